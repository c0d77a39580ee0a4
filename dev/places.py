"""Where the embedded servers keep their files, and who may enter."""

import fcntl
import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from dev.spawn import Account

_PREFIX = "sublet-"


class Unsafe(RuntimeError):
    """A directory we would trust belongs to somebody else or is open to others."""


class Scratch:
    """A private directory under the system's temporary folder, gone when closed.

    Its lock tells later runs whether its maker is alive: what a killed run left is swept by the next.
    """

    def __init__(self) -> None:
        _sweep()
        self.path, self._lock = _claim()
        if os.geteuid() == 0:  # the account a server drops to must walk through
            self.path.chmod(0o711)

    def close(self) -> None:
        """Remove the directory and all in it."""
        shutil.rmtree(self.path, ignore_errors=True)
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


def make_private(path: Path, account: Account | None, *, passable: bool = False) -> Path:
    """The directory, made if missing, for the account alone; `passable`: others walk through, not look."""
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(0o711 if passable else 0o700)
    if account is not None:
        os.chown(path, account.uid, account.gid)
    return path


def can_enter(path: Path, account: Account) -> bool:
    """Whether the account may walk down to this path, or to the nearest parent that exists."""
    while not path.exists():
        path = path.parent
    return all(_lets_in(step, account) for step in (path, *path.resolve().parents))


def stand_in(path: Path) -> Path:
    """A fixed place outside a folder closed to others, standing for `path`; ours alone to write.

    Raises:
        Unsafe: somebody else made it first.
    """
    mark = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:16]
    place = Path("/var/tmp") / f"{_PREFIX}{os.geteuid()}-{mark}"  # noqa: S108 (owner and mode are checked below)
    place.mkdir(mode=0o711, exist_ok=True)
    facts = place.lstat()
    if place.is_symlink() or facts.st_uid != os.geteuid() or facts.st_mode & 0o022:
        raise Unsafe(f"{place} was not made by us; remove it and try again")
    return place


def _lets_in(step: Path, account: Account) -> bool:
    if not step.is_dir():
        return True
    facts = step.stat()
    if facts.st_uid == account.uid:
        return bool(facts.st_mode & 0o100)
    if facts.st_gid == account.gid:
        return bool(facts.st_mode & 0o010)
    return bool(facts.st_mode & 0o001)


def _claim() -> tuple[Path, int]:
    while True:
        path = Path(tempfile.mkdtemp(prefix=_PREFIX))
        lock = os.open(path / "lock", os.O_CREAT | os.O_RDWR, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (path / "lock").exists():
            return path, lock
        os.close(lock)  # a sweep came between the file and its lock, and took both


def _sweep() -> None:
    for place in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*/lock"):
        try:
            lock = os.open(place, os.O_RDWR | os.O_NOFOLLOW)
        except OSError:  # another user's, or gone already
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if place.parent.lstat().st_uid == os.geteuid():
                shutil.rmtree(place.parent, ignore_errors=True)
        except OSError:  # its maker is alive
            continue
        finally:
            os.close(lock)
