"""A line's number and token are one instance's, its settings the tenant's own."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import func, select, text

from app.instances import service as instances
from app.kit.db import SYSTEM
from app.kit.errors import Gone, InvalidRequest
from app.kit.ids import new_id
from app.lines import erasure, tokens
from app.lines import service as lines
from app.lines.models import KeptNotice, Line
from app.lines.switches import OFF, SettingRefused
from app.runtime import Runtime
from tests.verbs.bare import Bare, make_bare
from tests.verbs.lines.lines import Made, incoming, keep, make_line, waiting

FIRST_NUMBER = 7_700_000_001


async def _ensure(runtime: Runtime, bare: Bare) -> Line:
    async with runtime.database.begin(bare.tenant_id) as uow:
        return await lines.ensure(uow, await instances.find(uow, bare.instance_id))


async def _settings(runtime: Runtime, made: Made) -> dict[str, Any]:
    async with runtime.database.begin(made.tenant_id) as uow:
        return await lines.settings(uow, made.line)


async def _change(runtime: Runtime, made: Made, changes: dict[str, Any]) -> dict[str, Any]:
    async with runtime.database.begin(made.tenant_id) as uow:
        return await lines.change(uow, made.line, changes, check_url=runtime.egress.check_url)


async def test_an_instance_has_one_line_however_many_ask_at_once(runtime: Runtime) -> None:
    bare = await make_bare(runtime.database)
    made = await asyncio.gather(*(_ensure(runtime, bare) for _ in range(5)))
    assert len({(line.number, line.token_hash) for line in made}) == 1
    assert made[0].number >= FIRST_NUMBER
    assert len(str(made[0].number)) == 10


async def test_numbers_are_of_one_instance_each(runtime: Runtime) -> None:
    made = [await make_line(runtime.database) for _ in range(3)]
    assert len({one.line.number for one in made}) == 3
    async with runtime.database.begin(SYSTEM) as uow:
        for one in made:
            found = await lines.by_number(uow, one.line.number)
            assert found is not None
            assert found.instance_id == one.instance_id
        assert await lines.by_number(uow, 1) is None


async def test_a_token_opens_its_own_line_only(runtime: Runtime) -> None:
    made, other = await make_line(runtime.database), await make_line(runtime.database)
    assert lines.token_is(made.line, runtime.keyring, made.token)
    assert not lines.token_is(made.line, runtime.keyring, other.token)
    assert not lines.token_is(made.line, runtime.keyring, tokens.new_token())


@pytest.mark.parametrize("spoil", [str.upper, lambda token: token[:-1], lambda token: f"{token} ", lambda _: "",
                                   lambda token: token[:10] + ("0" if token[10] != "0" else "1") + token[11:],
                                   lambda token: token[:-1] + "é"])  # fmt: skip
def test_a_misspelt_token_is_refused_without_a_query(spoil: Any) -> None:
    token = tokens.new_token()
    assert tokens.well_formed(token)
    assert len(token) == 50
    assert int(token, 16)
    if spoil(token) != token:
        assert not tokens.well_formed(spoil(token))


async def test_the_token_is_stored_hashed_and_sealed_only(runtime: Runtime) -> None:
    made = await make_line(runtime.database, webhookUrlToken="Basic a-tenants-secret")
    async with runtime.database.begin(SYSTEM) as uow:
        row = str((await uow.session.execute(text("select lines::text from lines"))).scalar_one())
    for secret in (made.token, "a-tenants-secret"):
        assert secret not in row
        assert secret.encode().hex() not in row


async def test_a_rotated_token_ends_at_once_and_the_number_stays(runtime: Runtime) -> None:
    made = await make_line(runtime.database)
    async with runtime.database.begin(made.tenant_id) as uow:
        fresh = await lines.rotate(uow, made.line)
    async with runtime.database.begin(SYSTEM) as uow:
        line = await lines.by_number(uow, made.line.number)
    assert line is not None
    assert not lines.token_is(line, runtime.keyring, made.token)
    assert lines.token_is(line, runtime.keyring, fresh)
    async with runtime.database.begin(made.tenant_id) as uow:
        assert await lines.shown(uow, made.line) == (made.line.number, fresh)


async def test_a_number_is_nobodys_from_when_its_instance_leaves(runtime: Runtime) -> None:
    made = await make_line(runtime.database)
    async with runtime.database.begin(made.tenant_id) as uow:
        await instances.request_deletion(uow, await instances.find(uow, made.instance_id))
    async with runtime.database.begin(SYSTEM) as uow:
        assert await lines.by_number(uow, made.line.number) is None
        with pytest.raises(Gone):
            await lines.ensure(uow, await instances.find(uow, made.instance_id))


async def test_another_tenant_sees_and_changes_nothing(runtime: Runtime) -> None:
    made, other = await make_line(runtime.database), await make_line(runtime.database)
    await keep(runtime.database, made, incoming())
    async with runtime.database.begin(other.tenant_id) as uow:
        assert await lines.of(uow, made.tenant_id, made.instance_id) is None
        assert await lines.next_notice(uow, made.line) is None
        assert await lines.count(uow, made.line) == 0
        with pytest.raises(Gone):
            await lines.rotate(uow, made.line)
        with pytest.raises(Gone):
            await lines.clear(uow, made.line)
    assert await waiting(runtime.database, made) == 1


async def test_a_new_line_has_upstreams_defaults(runtime: Runtime) -> None:
    bare = await make_bare(runtime.database)
    line = await _ensure(runtime, bare)
    async with runtime.database.begin(bare.tenant_id) as uow:
        assert await lines.settings(uow, line) == {"webhookUrl": "", "webhookUrlToken": "", **OFF}


async def test_the_tenants_own_settings_stay_here_and_the_others_go_upstream(runtime: Runtime) -> None:
    made = await make_line(runtime.database)
    url = "https://hooks.example.org/wa"
    changes = {
        "webhookUrl": url,
        "webhookUrlToken": "secret",
        "incomingWebhook": "no",
        "delaySendMessagesMilliseconds": 1000,
        "autoTyping": 2,
    }
    assert await _change(runtime, made, changes) == {"delaySendMessagesMilliseconds": 1000, "autoTyping": 2}
    settings = await _settings(runtime, made)
    assert settings["webhookUrl"] == url
    assert settings["webhookUrlToken"] == "secret"
    assert (settings["incomingWebhook"], settings["stateWebhook"]) == ("no", "yes")
    assert await _change(runtime, made, {"webhookUrl": "", "webhookUrlToken": ""}) == {}
    assert (await _settings(runtime, made))["webhookUrlToken"] == ""


async def test_what_upstream_does_not_do_from_birth_is_asked_of_it_once(runtime: Runtime) -> None:
    made = await make_line(runtime.database, deviceWebhook="no")
    assert await _change(runtime, made, {"deviceWebhook": "yes", "pollMessageWebhook": "yes"}) == {
        "deviceWebhook": "yes"
    }
    assert await _change(runtime, made, {"deviceWebhook": "yes"}) == {}
    assert await _change(runtime, made, {"deviceWebhook": "no"}) == {}


@pytest.mark.parametrize(
    "changes",
    [
        {"incomingWebhook": "on"},
        {"incomingWebhook": True},
        {"stateWebhook": None},
        {"webhookUrl": 1},
        {"webhookUrl": None},
        {"webhookUrl": "http://10.0.0.1/hook"},
        {"webhookUrl": "https://169.254.169.254/latest"},
        {"webhookUrl": "https://user:word@hooks.example.org/"},
        {"webhookUrl": "https://hooks.example.org/" + "a" * 2000},
        {"webhookUrlToken": "a\r\nX-Other: b"},
        {"webhookUrlToken": "a\x00b"},
        {"webhookUrlToken": ["a"]},
    ],
    ids=str,
)
async def test_a_value_that_is_none_is_refused_and_nothing_changes(runtime: Runtime, changes: dict[str, Any]) -> None:
    made = await make_line(runtime.database)
    before = await _settings(runtime, made)
    with pytest.raises(InvalidRequest) as refusal:
        await _change(runtime, made, {"outgoingWebhook": "no", "stateWebhook": "no", **changes})
    assert refusal.value.errors[0].pointer == f"#/{next(iter(changes))}"
    assert await _settings(runtime, made) == before


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"name": "renamed"},
        {"Name": "renamed", "idInstance": 1},
        {"WEBHOOKURL": "https://elsewhere.example.org/", "webhookurltoken": "x"},
        {"IncomingWebhook": "no", "webhookUrls": ["https://elsewhere.example.org/"], "newKindWebhook": "yes"},
    ],
    ids=str,
)
async def test_what_would_touch_ours_upstream_never_goes_there(runtime: Runtime, changes: dict[str, Any]) -> None:
    """The name is our tag there; another spelling of the address could cut us off."""
    made = await make_line(runtime.database)
    before = await _settings(runtime, made)
    with pytest.raises(SettingRefused, match="at least one setting"):
        await _change(runtime, made, changes)
    assert await _change(runtime, made, {**changes, "linkPreview": "yes"}) == {"linkPreview": "yes"}
    assert await _settings(runtime, made) == before


async def test_an_instance_that_leaves_takes_its_line_and_its_notifications(runtime: Runtime) -> None:
    made, other = await make_line(runtime.database), await make_line(runtime.database)
    for one in (made, other):
        await keep(runtime.database, one, incoming(), incoming())
    async with runtime.database.begin(SYSTEM) as uow:
        assert await erasure.erase(uow, made.tenant_id, made.instance_id) == 2
        assert await erasure.erase(uow, made.tenant_id, made.instance_id) == 1
        assert await erasure.erase(uow, made.tenant_id, made.instance_id) == 0
        assert await erasure.erase(uow, made.tenant_id, new_id()) == 0
    async with runtime.database.begin(SYSTEM) as uow:
        assert await uow.session.scalar(select(func.count()).select_from(Line)) == 1
        assert await uow.session.scalar(select(func.count()).select_from(KeptNotice)) == 2
    with pytest.raises(Gone):
        await _settings(runtime, made)
