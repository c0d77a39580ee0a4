#!/bin/sh
# Resolve pyproject.toml into the lock files: everything, what the image needs, and the official clients
# that tests run. All carry hashes and no addresses, so they serve any registry, uv and pip alike.
set -eu
cd "$(dirname "$0")/.."
export UV_SYSTEM_CERTS=1 UV_PYTHON_DOWNLOADS=never
compile() {
  .venv/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-strip-extras \
    --no-annotate --no-header "$@"
}
compile --group dev pyproject.toml -o requirements.lock
compile pyproject.toml -c requirements.lock -o requirements.runtime.lock
compile --group clients -o tests/compat_clients/clients.lock
