"""What the page says of this face is what the code does."""

import re
from pathlib import Path

from app.channels import bodies, chats, files, groups, people
from app.channels.parts import Route
from app.channels.table import ABSENT, PASSED
from app.files import incoming

PAGE = Path(__file__).parents[3] / "docs" / "compatibility.md"


def section() -> str:
    """The page's part about Whapi."""
    return PAGE.read_text(encoding="utf-8").partition("# Code written for Whapi.Cloud")[2]


def test_the_page_lists_what_only_whapis_gateway_can_do() -> None:
    told = section().partition("## Only where the gateway is Whapi's")[2]
    table, _, rest = told.partition("Not offered on any gateway:")
    rows = [line for line in table.splitlines() if line.startswith("| ") and not line.startswith("| Of")]
    shown = re.findall(r"`([A-Z]+ /[^`]+)`", "".join(rows))
    assert shown == [f"{each.verb} {each.path}" for each in _by_first_part()]
    assert re.findall(r"`([A-Z]+ /[^`]+)`", rest) == [f"{each.verb} {each.path}" for each in ABSENT]


def test_the_pages_figures_are_the_codes() -> None:
    text = section()
    for figure in (
        f"at most {files.INLINE_BYTES // 2**20} MiB",
        f"up to {incoming.MOST_BYTES // 2**20} MB",
        f"one change each, {groups.MOST_AT_ONCE} at most",
        f"{people.MOST_CHECKED} at most, each of {people.LEAST_DIGITS} to {people.MOST_DIGITS} digits",
        f"of one chat the last {chats.LOOKED_AT:,}",
    ):
        assert figure in text, figure
    assert bodies.LARGE_JSON_BYTES > files.INLINE_BYTES * 4 / 3


def _by_first_part() -> list[Route]:
    found: dict[str, list[Route]] = {}
    for each in PASSED:
        found.setdefault(each.path.split("/")[1], []).append(each)
    return [each for rows in found.values() for each in rows]
