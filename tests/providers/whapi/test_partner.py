"""Channels from the partner's side: made, listed, paid for, taken live, deleted."""

import asyncio
import json
import time
from contextlib import nullcontext
from datetime import timedelta

import pytest

from app.kit.crypto import Secret
from app.providers.errors import (
    NoSuchThing,
    NotThere,
    OutcomeUnknown,
    PoolEmpty,
    Refused,
    TooFast,
)
from app.providers.port import AccountWish, Balance, Provider
from app.providers.whapi.adapter import WhapiCloud
from tests.providers.conftest import HOOK_TOKEN, Play, RawServer, answering, raw_server, reply
from tests.providers.whapi.conftest import Upstream
from tests.providers.whapi.hooks import WISH, called, pool, truth, whapi

DAY = 86400.0


def _wish(number: int) -> AccountWish:
    return AccountWish(f"slt1-test-{number}", WISH.hook_url, WISH.hook_token)


async def test_a_creation_carries_the_tag_and_sets_the_webhook_before_the_first_launch(
    wing: WhapiCloud, upstream: Upstream
) -> None:
    provider: Provider = wing
    made = await provider.create(WISH)
    found = await truth(upstream, made.account)
    assert (found["name"], found["token"], found["state"]) == (WISH.tag, made.token.reveal(), "NOT_INIT")
    (hook,) = found["settings"]["webhooks"]
    assert (hook["url"], hook["mode"]) == (WISH.hook_url, "body")
    assert hook["headers"] == {"Authorization": f"Bearer {HOOK_TOKEN}"}
    assert found["settings"]["callback_persist"] is True
    assert made.funded_until is not None
    assert len(await upstream.calls("createChannel")) == 1


async def test_a_creation_whose_settings_fail_is_a_creation(wing: WhapiCloud, upstream: Upstream) -> None:
    await upstream.fault("updateChannelSettings", "lose_request", times=1)
    made = await wing.create(WISH)
    assert not await wing.configured(called(made), WISH)
    await wing.configure(called(made), WISH)
    assert await wing.configured(called(made), WISH)


async def test_the_first_project_is_asked_for_once_and_one_is_made_when_there_is_none(
    wing: WhapiCloud, upstream: Upstream
) -> None:
    for number in range(2):
        await wing.create(_wish(number))
    assert len(await upstream.calls("getProjects")) == 1
    assert await upstream.calls("createProject") == []
    row = b'{"id":"RAVENX-7Q2LM","token":"aaaabbbbccccddddaaaabbbbccccdddd","name":"n","apiUrl":"http://127.0.0.1:1/"}'
    answers = iter([b'{"projects":[]}', b'{"id":"prj0EXAMPLE000000001"}', row])

    async with raw_server(answering(b"")) as server:

        async def play(reader: object, writer: object) -> None:
            await server.request(reader)  # type: ignore[arg-type]
            writer.write(reply(next(answers)))  # type: ignore[attr-defined]

        server.play = play
        other = whapi(server.url)
        assert (await other.create(WISH)).account == "RAVENX-7Q2LM"
        await other.close()
        assert b"prj0EXAMPLE000000001" in server.requests[2]


async def test_channels_lie_in_the_partners_default_project_wherever_it_is_listed() -> None:
    """Another is somebody's brand, whose users would be shown the channels and their tokens."""
    rows = [{"id": "prj0BRAND0000000001"}, {"id": "prj0MAIN00000000001", "isDefault": True}]
    answers = iter([json.dumps({"projects": rows}).encode(), b'{"id":"RAVENX-7Q2LM","token":"aaaabbbb","name":"n"}'])
    async with raw_server(answering(b"")) as server:

        async def play(reader: object, writer: object) -> None:
            await server.request(reader)  # type: ignore[arg-type]
            writer.write(reply(next(answers, b"{}")))  # type: ignore[attr-defined]

        server.play = play
        wing = whapi(server.url)
        await wing.create(WISH)
        await wing.close()
        assert b"prj0MAIN00000000001" in server.requests[1]


async def test_a_named_project_is_used_and_one_that_is_not_there_makes_no_channel(upstream: Upstream) -> None:
    made = await upstream.manager("PUT", "/projects", {"name": "brand"})
    wing = whapi(upstream.manager_url, project=made["id"])
    account = (await wing.create(WISH)).account
    await wing.close()
    assert (await truth(upstream, account))["projectId"] == made["id"]
    wing = whapi(upstream.manager_url, project="prj0nothere000000001")
    with pytest.raises(NoSuchThing):
        await wing.create(WISH)
    await wing.close()
    assert len((await upstream.sim("whapi/channels"))["channels"]) == 1


async def test_a_project_that_cannot_be_read_leaves_no_doubt_about_a_channel(
    wing: WhapiCloud, upstream: Upstream
) -> None:
    await upstream.fault("getProjects", "lose_answer", times=1)
    with pytest.raises(Refused):
        await wing.create(WISH)
    assert await upstream.calls("createChannel") == []


@pytest.mark.parametrize(("channel_seconds", "is_made"), [(1.5, True), (60.0, False)])
async def test_a_creation_ends_within_the_time_of_one_call(*, channel_seconds: float, is_made: bool) -> None:
    """Its settings are never answered; callers hold what they create no longer."""

    def script(server: RawServer) -> Play:
        async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            line = await server.request(reader)
            row = {"id": "RAVENX-7Q2LM", "token": "t" * 32, "apiUrl": server.url, "name": WISH.tag}
            await asyncio.sleep(channel_seconds if line.startswith(b"PUT /channels") else 60.0)
            writer.write(reply(json.dumps(row).encode()))

        return play

    async with raw_server(script) as server:
        wing = whapi(server.url, 2.0, project="prj0EXAMPLE000000001")
        began = time.monotonic()
        with nullcontext() if is_made else pytest.raises(OutcomeUnknown):
            assert (await wing.create(WISH)).account == "RAVENX-7Q2LM"
        assert time.monotonic() - began < 3.2  # one after the other would be 3.5
        await wing.close()


async def test_the_listing_shows_the_living_with_tag_token_gate_and_days(wing: WhapiCloud, upstream: Upstream) -> None:
    dead, alive = await wing.create(_wish(1)), await wing.create(_wish(2))
    await wing.delete(dead.account)
    (row,) = await wing.listing()
    assert (row.account, row.tag, row.token) == (alive.account, "slt1-test-2", alive.token)
    assert (row.base_url, row.mode) == (alive.base_url, "trial")
    assert row.created_at is not None
    assert row.funded_until == alive.funded_until == row.created_at + timedelta(days=6)
    assert await wing.one(alive.account) == row
    assert await wing.one(dead.account) is None
    assert await wing.one("4242") is None


async def test_a_long_listing_is_read_page_by_page(wing: WhapiCloud, upstream: Upstream) -> None:
    await upstream.knobs(creations=None)
    project = (await upstream.manager("GET", "/projects"))["projects"][0]["id"]
    for number in range(505):
        await upstream.manager("PUT", "/channels", {"name": f"n{number}", "projectId": project})
    found = await wing.listing()
    assert [row.tag for row in found] == [f"n{number}" for number in range(505)]
    assert len(await upstream.calls("getChannels")) == 2


@pytest.mark.parametrize(
    "pages",
    [
        [b'{"channels":[{"id":"A"},{"id":"B"}],"total":3}', b'{"channels":[{"id":"C"}],"total":3}'],
        [b'{"channels":[{"id":"A"},{"id":"B"}],"total":3}', b'{"channels":[{"id":"B"},{"id":"A"}],"total":3}'],
        [b'{"channels":[{"id":"A"},{"id":"B"}],"total":3}', b'{"channels":[],"total":3}'],
    ],
)
async def test_a_listing_that_changes_under_the_reading_is_no_listing(pages: list[bytes]) -> None:
    """A row that is missed would be created a second time."""
    async with raw_server(answering(b"")) as server:

        async def play(reader: object, writer: object) -> None:
            line = await server.request(reader)  # type: ignore[arg-type]
            writer.write(reply(pages[b"offset=0" not in line]))  # type: ignore[attr-defined]

        server.play = play
        wing = whapi(server.url)
        with pytest.raises(OutcomeUnknown):
            await wing.listing()
        await wing.close()


@pytest.mark.parametrize(
    ("more", "total", "is_whole"), [(0, 500, True), (2, 502, True), (2, None, True), (2, 500, False)]
)
async def test_a_full_page_is_not_the_last_whatever_total_says(more: int, total: int | None, is_whole: bool) -> None:
    """`total` may be that of a page, as lists of the gate have it: channels behind it would be created again."""
    rows = [{"id": f"C{number}"} for number in range(500 + more)]
    counts = {} if total is None else {"total": total}
    async with raw_server(answering(b"")) as server:

        async def play(reader: object, writer: object) -> None:
            line = await server.request(reader)  # type: ignore[arg-type]
            offset = int(line.partition(b"offset=")[2].split()[0])
            page = json.dumps({"channels": rows[offset : offset + 500], **counts}).encode()
            writer.write(reply(page))  # type: ignore[attr-defined]

        server.play = play
        wing = whapi(server.url)
        if is_whole:
            assert [row.account for row in await wing.listing()] == [row["id"] for row in rows]
        else:
            with pytest.raises(OutcomeUnknown):
                await wing.listing()
        await wing.close()


@pytest.mark.parametrize("body", [b"{}", b"[]", b"null", b'{"channels":[{"name":"x"}]}', b'{"channels":{}}', b"<p>"])
async def test_a_listing_that_cannot_be_read_says_nothing(body: bytes) -> None:
    async with raw_server(answering(reply(body))) as server:
        wing = whapi(server.url)
        with pytest.raises(OutcomeUnknown):
            await wing.listing()
        await wing.close()


async def test_more_than_twenty_creations_in_half_an_hour_are_too_fast(wing: WhapiCloud, upstream: Upstream) -> None:
    for number in range(wing.traits.creations):
        await wing.create(_wish(number))
    with pytest.raises(TooFast):
        await wing.create(WISH)
    await upstream.advance(wing.traits.creation_seconds)
    await wing.create(WISH)


async def test_days_move_from_the_pool_with_the_callers_comment(wing: WhapiCloud, upstream: Upstream) -> None:
    made = await wing.create(WISH)
    await pool(upstream, 10)
    await wing.fund(made.account, 4, "order 1042")
    found = await wing.one(made.account)
    assert found is not None
    assert made.funded_until is not None
    assert found.funded_until == made.funded_until + timedelta(days=4)
    assert await pool(upstream) == 6
    held = await wing.balance()
    assert held is not None
    assert held.days == 6
    (call,) = await upstream.calls("extendChannel")
    assert call["request"]["comment"] == "order 1042"


@pytest.mark.parametrize("status", [400, 402, 403])
async def test_a_pool_that_is_too_small_is_told_apart_from_other_refusals(
    wing: WhapiCloud, upstream: Upstream, status: int
) -> None:
    await upstream.knobs(extend_short_status=status)
    made = await wing.create(WISH)
    await pool(upstream, 2)
    with pytest.raises(PoolEmpty):
        await wing.fund(made.account, 3, "order")
    with pytest.raises(Refused) as caught:
        await wing.fund(made.account, 1, "")
    assert not isinstance(caught.value, PoolEmpty)
    assert await pool(upstream) == 2


async def test_a_busy_answer_to_an_extension_proves_nothing(wing: WhapiCloud, upstream: Upstream) -> None:
    await upstream.knobs(extend_short_status=503)
    made = await wing.create(WISH)
    await pool(upstream, 2)
    with pytest.raises(OutcomeUnknown):
        await wing.fund(made.account, 3, "order")
    with pytest.raises(NotThere):
        await wing.fund("NOSUCH-00000", 1, "order")


@pytest.mark.parametrize(("shape", "days"), [("pwr", 7), ("balance", 7)])
async def test_the_balance_is_read_in_either_shape(wing: WhapiCloud, upstream: Upstream, shape: str, days: int) -> None:
    await upstream.knobs(partner_shape=shape)
    await pool(upstream, 7.5)
    held = await wing.balance()
    assert held is not None
    assert held.days == days


@pytest.mark.parametrize(
    "body", [b'{"pwr":"7"}', b'{"pwr":7.9}', b'{"pwr":"7.5"}', b'{"pwr":" 7 "}', b'{"pwr":null,"liveDays":7}']
)
async def test_a_balance_may_be_a_number_of_any_form(body: bytes) -> None:
    async with raw_server(answering(reply(body))) as server:
        wing = whapi(server.url)
        assert await wing.balance() == Balance(7)
        await wing.close()


@pytest.mark.parametrize("body", [b'{"pwr":-3}', b'{"pwr":"-3"}', b'{"pwr":-2.5}', b'{"pwr":"-2.5"}'])
async def test_a_pool_that_owes_days_is_told_as_such(body: bytes) -> None:
    async with raw_server(answering(reply(body))) as server:
        wing = whapi(server.url)
        assert await wing.balance() == Balance(-3)
        await wing.close()


@pytest.mark.parametrize(
    "body", [b"{}", b'{"pwr":"many"}', b"[]", b'{"pwr":true}', b'{"pwr":"NaN"}', b'{"pwr":NaN}', b'{"pwr":"1e999"}']
)
async def test_a_balance_that_is_not_told_is_none(body: bytes) -> None:
    async with raw_server(answering(reply(body))) as server:
        wing = whapi(server.url)
        assert await wing.balance() is None
        await wing.close()


async def test_a_deletion_gives_back_whole_days(wing: WhapiCloud, upstream: Upstream) -> None:
    await pool(upstream, 10)
    made = await wing.create(WISH)
    await wing.fund(made.account, 5, "order")
    await wing.delete(made.account)
    assert await pool(upstream) == 10


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("http://127.0.0.1:9/", "http://127.0.0.1:9"),
        ("ftp://127.0.0.1", ""),
        ("http://user@127.0.0.1/", ""),
        ("http://127.0.0.1/?x=1", ""),
        ("http://127.0.0.1:99999/", ""),
        ("nonsense", ""),
        ("", ""),
    ],
)
async def test_a_gate_that_cannot_be_called_safely_is_not_kept(told: str, kept: str) -> None:
    row = f'{{"id":"RAVENX-7Q2LM","token":"t","name":"n","apiUrl":"{told}"}}'.encode()
    async with raw_server(answering(reply(row))) as server:
        wing = whapi(server.url)
        found = await wing.one("RAVENX-7Q2LM")
        assert found is not None
        assert found.base_url == kept
        await wing.close()


async def test_a_token_that_no_header_can_carry_counts_as_none() -> None:
    row = b'{"id":"RAVENX-7Q2LM","token":"a\\r\\nX-Y: z","name":"n","apiUrl":""}'
    async with raw_server(answering(reply(row))) as server:
        wing = whapi(server.url)
        found = await wing.one("RAVENX-7Q2LM")
        assert found is not None
        assert found.token == Secret("")
        await wing.close()
