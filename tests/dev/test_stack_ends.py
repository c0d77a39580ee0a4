"""A stack leaves nothing; in a file of its own, since another stack's workers may come back with a new process."""

import psutil
import pytest

from dev.processes import ChildFailed
from dev.stack import CommandFailed, Options, Stack


def test_a_failed_start_leaves_no_process_and_no_file() -> None:
    before = _children()
    stack = Stack(Options(env={"SUBLET_NO_SUCH_SETTING": "1"}))
    try:
        with pytest.raises((CommandFailed, ChildFailed), match="SUBLET_NO_SUCH_SETTING"):
            stack.start()
    except BaseException:
        stack.stop()
        raise
    assert _children() <= before
    assert not stack.home.exists()


def test_stopping_leaves_no_process_and_no_file() -> None:
    before = _children()
    with Stack() as stack:
        assert _children() > before
    assert _children() <= before
    assert not stack.home.exists()


def _children() -> set[int]:
    """What we started ourselves; a server's own helpers come and go, and go with it."""
    return {child.pid for child in psutil.Process().children() if child.status() != psutil.STATUS_ZOMBIE}
