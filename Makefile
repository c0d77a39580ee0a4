# Each target sets up what it needs: a .venv in this checkout, filled from requirements.lock.
# The second time that takes no longer than looking whether anything changed.

.DEFAULT_GOAL := help
.PHONY: help demo run test bench fmt lock bootstrap

PYTHON := .venv/bin/python
PROVIDER ?=
PYTEST_ARGS ?=
PYTEST_PROCESSES ?= 2
BENCH_ARGS ?=

help: ## say what can be made
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1@\2/p' Makefile | awk -F@ '{ printf "%-14s %s\n", $$1, $$2 }'

demo: bootstrap ## watch a whole lease on throw-away servers (PROVIDER=green_api, whapi or mixed)
	@$(PYTHON) -m dev demo $(PROVIDER)

run: bootstrap ## start everything on this machine and keep its data in .dev/ (PROVIDER=…, SUBLET_PORT=8000)
	@exec $(PYTHON) -m dev up $(PROVIDER)

test: bootstrap ## run all tests on real servers of their own (PYTEST_ARGS="-k webhook")
	@$(PYTHON) -m pytest -n $(PYTEST_PROCESSES) --dist loadfile $(PYTEST_ARGS)

bench: bootstrap ## measure the hot paths beside their peers (BENCH_ARGS=...)
	@$(PYTHON) -m bench $(BENCH_ARGS)

fmt: bootstrap ## format, and mend what the linter can mend
	@.venv/bin/ruff format .
	@.venv/bin/ruff check --fix .

lock: bootstrap ## resolve the lock files again from pyproject.toml
	@sh dev/lock.sh

bootstrap:
	@sh dev/bootstrap.sh
