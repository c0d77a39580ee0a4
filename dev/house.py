"""`.dev/`: what `make run` keeps in this checkout, used by one process at a time."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dev.places import make_private
from dev.postgres import resting_place
from dev.stack import ROOT

HOME = ROOT / ".dev"
STACK_FILE = HOME / "stack.json"
SETTINGS_FILE = HOME / "settings.sh"


class InUse(RuntimeError):
    """Another process runs on the data of this checkout."""


@contextmanager
def occupied(home: Path = HOME) -> Iterator[Path]:
    """Hold the checkout's data for ourselves.

    Raises:
        InUse: somebody else holds it.
    """
    make_private(home, None, passable=os.geteuid() == 0)
    lock = os.open(home / "lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(lock, 32, 0).decode().strip() or "unknown"
            raise InUse(
                f"Sublet already runs from this checkout (process {holder}). Stop it with Ctrl-C "
                f"where it runs, or with `kill {holder}`; {STACK_FILE.name} in .dev/ has its addresses."
            ) from None
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
        yield home
    finally:
        os.close(lock)


def reset(home: Path = HOME) -> bool:
    """Remove all that is kept; False when there was nothing.

    Raises:
        InUse: it is in use.
    """
    if not home.exists():
        return False
    with occupied(home):
        kept = resting_place(home / "postgres")
        shutil.rmtree(kept.parent if kept.parent != home else kept, ignore_errors=True)
        shutil.rmtree(home)
    return True
