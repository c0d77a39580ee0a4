"""docs/providers.md says of every method and gateway what the code says."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from app.admin.coverage import NO, WE, YES, answer, table
from app.cli import cli
from app.gateway.catalogue import ALL, METHODS
from app.providers import wings
from tests.rules.test_settings import GOOD

PAGE = Path(__file__).parent.parent.parent / "docs" / "providers.md"


def test_the_table_of_the_page_is_the_codes() -> None:
    assert table(wings.find()) in PAGE.read_text(encoding="utf-8"), "run `sublet providers coverage`"


def test_the_command_prints_it_with_further_gateways() -> None:
    result = CliRunner().invoke(cli, ["providers", "coverage"], env=GOOD | {"SUBLET_WINGS": "tests.toy.wing"})
    assert result.exit_code == 0
    assert result.output.startswith("| method | group | green_api | toy | whapi |")


@pytest.mark.parametrize(
    ("method", "gateway", "word"),
    [
        ("sendMessage", "green_api", YES),
        ("sendMessage", "whapi", YES),
        ("receiveNotification", "whapi", WE),
        ("showMessagesQueue", "green_api", YES),
        ("showMessagesQueue", "whapi", WE),
        ("lastIncomingCalls", "whapi", NO),
    ],
)
def test_words_of_the_table(method: str, gateway: str, word: str) -> None:
    assert answer(METHODS[method.lower()], wings.find()[gateway].traits) == word


def test_every_function_that_the_product_promises_is_there_on_every_gateway() -> None:
    found = wings.find()
    missing = [
        (method.name, name)
        for method in ALL
        for name, wing in found.items()
        if method.wanted and answer(method, wing.traits) == NO
    ]
    assert missing == []
