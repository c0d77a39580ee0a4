#!/bin/sh
# Find a Python that will do and let it prepare .venv. Needs nothing but a shell.
set -eu
cd "$(dirname "$0")/.."
for python in python3 python3.13 python3.12 python3.11 python3.14; do
  if "$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
    exec "$python" dev/bootstrap.py
  fi
done
echo "Sublet needs Python 3.11 or later with venv (on Debian: apt install python3 python3-venv)" >&2
exit 1
