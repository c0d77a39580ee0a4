"""Fill .venv from requirements.lock, and do nothing when that is done already.

Run by any Python 3.11 or later, before anything is installed: the standard library only.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

UV = "uv==0.13.9"
ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / "stamp"
INPUTS = ("requirements.lock", "pyproject.toml", "dev/bootstrap.py")


def main() -> int:
    """Bring .venv up to date; two runs in one checkout take turns."""
    with (ROOT / "requirements.lock").open("rb") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if _is_current():
            return 0
        print("Preparing .venv (once; later runs skip this)", file=sys.stderr, flush=True)
        if not _works():
            shutil.rmtree(VENV, ignore_errors=True)
            venv.create(VENV, with_pip=True, symlinks=True)
        environment = _environment()
        if _install(environment):
            STAMP.write_text(_key())
    return 0


def _is_current() -> bool:
    try:
        return STAMP.read_text() == _key() and (VENV / "bin" / "python").exists()
    except OSError:
        return False


def _key() -> str:
    """What .venv was made from; it names the folder too, because scripts in .venv hold its path."""
    digest = hashlib.sha256(str(ROOT).encode())
    for name in INPUTS:
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def _works() -> bool:
    """Whether .venv has a Python that runs, is recent enough, and knows where it lies."""
    check = "import sys, pip; sys.exit(sys.version_info < (3, 11))"
    try:
        script = (VENV / "bin" / "pip").read_text(errors="replace")
        done = subprocess.run([VENV / "bin" / "python", "-c", check], capture_output=True, check=False)
    except OSError:
        return False
    return done.returncode == 0 and str(VENV) in script


def _environment() -> dict[str, str]:
    environment = {
        **os.environ,
        "UV_SYSTEM_CERTS": "1",  # uv's own list of authorities lacks those an administrator added
        "UV_PYTHON_DOWNLOADS": "never",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    environment.pop("VIRTUAL_ENV", None)
    environment.pop("PYTHONPATH", None)
    if not _can_write(Path(environment.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())):
        environment["UV_NO_CACHE"] = environment["PIP_NO_CACHE_DIR"] = "1"
    return environment


def _can_write(folder: Path) -> bool:
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return os.access(folder, os.W_OK | os.X_OK)


def _install(environment: dict[str, str]) -> bool:
    """Install all that is locked, then link this checkout; whether the next run may skip both."""
    python = str(VENV / "bin" / "python")
    pip = [python, "-m", "pip", "install", "-q"]
    uv = [str(VENV / "bin" / "uv"), "pip"]

    def run(*command: str) -> bool:
        return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode == 0

    fast = run(*pip, UV) and run(*uv, "sync", "-q", "--python", python, "--require-hashes", "requirements.lock")
    if not fast:
        print("uv did not do it; trying pip, which takes a minute", file=sys.stderr, flush=True)
        if not run(*pip, "--require-hashes", "-r", "requirements.lock"):
            sys.exit("The dependencies could not be installed; the lines above say why.")
    # hatchling is in the lock, so building the link to this checkout asks nobody for anything.
    link = ["--no-deps", "--no-build-isolation", "-e", "."]
    linked = run(*uv, "install", "-q", "--python", python, *link) if fast else run(*pip, *link)
    if not linked:  # nothing but the short command needs it
        print("The command `sublet` is missing; `.venv/bin/python -m app` does the same", file=sys.stderr)
    return linked


if __name__ == "__main__":
    sys.exit(main())
