# One image for the API, the worker, the migration and the simulator; compose says which it is.
ARG PYTHON=3.13

FROM python:${PYTHON}-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/venv
COPY requirements.runtime.lock /tmp/
RUN /opt/venv/bin/pip install --only-binary :all: --require-hashes -r /tmp/requirements.runtime.lock \
 && printf '#!/bin/sh\nexec /opt/venv/bin/python -m app "$@"\n' > /opt/venv/bin/sublet \
 && chmod 755 /opt/venv/bin/sublet

FROM python:${PYTHON}-slim-bookworm
RUN groupadd --gid 10001 sublet && useradd --uid 10001 --gid 10001 --no-create-home --shell /usr/sbin/nologin sublet
ENV PATH=/opt/venv/bin:$PATH PYTHONPATH=/srv/sublet PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /srv/sublet
COPY --from=build /opt/venv /opt/venv
COPY pyproject.toml LICENSE ./
COPY migrations migrations
COPY simulator simulator
COPY workers workers
COPY app app
# What root owns, the user below cannot change.
RUN python -m compileall -q app workers migrations simulator
USER 10001:10001
EXPOSE 8000
CMD ["python", "-m", "app", "serve", "--host", "0.0.0.0", "--port", "8000"]
