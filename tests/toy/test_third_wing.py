"""A third gateway is one folder: it is found, set up, rented and sent with, and nothing in `app` was changed for it."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import select

from app.events.models import Event
from app.kit.db import SYSTEM
from app.providers import wings
from app.providers.errors import CredentialRefused
from app.runtime import Runtime, open_runtime
from app.settings import Settings, SettingsInvalid
from dev import database as databases
from dev.mailbox import Mailbox
from tests.conftest import KeptBell, draining, free_socket, serving, settings_for
from tests.factories import TestTenant, make_tenant
from tests.rules.test_settings import GOOD
from tests.toy.wing import HOUSE, House

MODULE = "tests.toy.wing"


@pytest.fixture
def house() -> House:
    """The toy's other side, empty."""
    HOUSE.__init__()  # type: ignore[misc]
    return HOUSE


@pytest.fixture
async def third(
    dsns: databases.Dsns, redis_url: str, mailbox: Mailbox, clean: None, house: House
) -> AsyncIterator[tuple[Runtime, httpx2.AsyncClient]]:
    """The API with the toy as its one gateway."""
    listening = free_socket()
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    more = {"wings": MODULE, "toy_token": "toy-canary", "public_url": url, "green_api_partner_token": ""}
    settings = settings_for(dsns, redis_url, "", mailbox.smtp_url, **more)
    async with (
        open_runtime(settings, bell=KeptBell()) as runtime,
        serving(runtime, listening),
        httpx2.AsyncClient(base_url=url, timeout=30) as client,
    ):
        yield runtime, client


async def rented(runtime: Runtime, client: httpx2.AsyncClient, tenant: TestTenant, provider: str) -> str:
    """An instance asked for over HTTP and ready: its id."""
    wish = {"name": "Support", "provider": provider}
    asked = await client.post("/v1/instances", headers=tenant.headers, json=wish)
    assert asked.status_code == 202, asked.text
    instance = asked.headers["X-Instance-Id"]

    async def is_ready() -> bool:
        reply = await client.get(f"/v1/instances/{instance}", headers=tenant.headers)
        return bool(reply.json()["status"] == "active")

    await draining(runtime)(until=is_ready)
    return instance


@pytest.mark.parametrize("wanted", ["auto", "toy"])
async def test_an_instance_on_it_is_made_linked_and_sends(
    third: tuple[Runtime, httpx2.AsyncClient], house: House, wanted: str
) -> None:
    runtime, client = third
    tenant = await make_tenant(runtime)
    instance = await rented(runtime, client, tenant, wanted)
    shown = (await client.get(f"/v1/instances/{instance}", headers=tenant.headers)).json()
    assert (shown["provider"], shown["connection"]) == ("toy", "unpaired")
    (account,) = house.accounts
    assert house.accounts[account].hook_url == f"{runtime.settings.public_url}/hooks/toy/{instance}"
    house.phones[account] = "79990001122"
    runtime.database.shift += timedelta(seconds=3)
    state = await client.get(f"/v1/instances/{instance}/state?refresh=true", headers=tenant.headers)
    assert (state.json()["connection"], state.json()["phone_number"]) == ("connected", "+79990001122")
    body = {"to": "79990005544@c.us", "type": "text", "text": {"body": "hello"}}
    sent = await client.post(f"/v1/instances/{instance}/messages", headers=tenant.headers, json=body)
    assert sent.status_code in (200, 202), sent.text
    ((sender, send),) = house.sent
    assert (sender, send.chat_id, send.content.method) == (account, "79990005544@c.us", "sendMessage")


async def test_its_notifications_come_in_by_its_own_word(
    third: tuple[Runtime, httpx2.AsyncClient], house: House
) -> None:
    runtime, client = third
    await rented(runtime, client, await make_tenant(runtime), "toy")
    (wish,) = house.accounts.values()
    told = {"account": next(iter(house.accounts))}
    headers = {"Authorization": f"Bearer {wish.hook_token.reveal()}"}
    assert (await client.post(wish.hook_url, headers=headers, json=told)).status_code == 200
    assert (await client.post(wish.hook_url, headers={"Authorization": "Bearer x"}, json=told)).status_code == 401


async def test_what_it_tells_reaches_the_tenant_without_its_name_account_and_servers(
    third: tuple[Runtime, httpx2.AsyncClient], house: House
) -> None:
    """By what the wing says of itself: of other gateways' names nothing is known here, and they may be written."""
    runtime, client = third
    await rented(runtime, client, await make_tenant(runtime), "toy")
    ((account, wish),) = house.accounts.items()
    told = {"account": account, "note": "ToyWorks is down", "toy_server": "s7", "at": "http://toy.invalid/x"}
    headers = {"Authorization": f"Bearer {wish.hook_token.reveal()}"}
    reply = await client.post(wish.hook_url, headers=headers, json=told | {"kept": "whapi and green-api"})
    assert reply.status_code == 200
    async with runtime.database.begin(SYSTEM) as uow:
        (event,) = (await uow.session.scalars(select(Event).where(Event.type == "gateway.event"))).all()
    hidden = "[removed]"
    assert event.data["raw"] == {"account": hidden, "note": hidden, "at": hidden, "kept": "whapi and green-api"}


@pytest.mark.parametrize("wanted", ["green_api", "unknown"])
async def test_a_gateway_that_is_not_set_up_is_refused(third: tuple[Runtime, httpx2.AsyncClient], wanted: str) -> None:
    runtime, client = third
    tenant = await make_tenant(runtime)
    wish = {"name": "Support", "provider": wanted}
    refused = await client.post("/v1/instances", headers=tenant.headers, json=wish)
    assert (refused.status_code, refused.json()["code"]) == (400, "unsupported_by_provider")


def test_its_settings_are_read_checked_and_hidden() -> None:
    settings = Settings.load(GOOD | {"SUBLET_WINGS": MODULE, "SUBLET_TOY_TOKEN": "toy-canary"})
    assert settings.gateway()["toy_token"] == "toy-canary"
    assert settings.shown()["SUBLET_TOY_TOKEN"] == "***"
    assert settings.as_environ()["SUBLET_TOY_TOKEN"] == "toy-canary"
    assert "SUBLET_TOY_TOKEN" in Settings.names(MODULE)
    assert "canary" not in repr(settings)


def test_a_secret_of_it_may_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("toy-canary\n")
    named = {"SUBLET_WINGS": MODULE, "SUBLET_TOY_TOKEN_FILE": str(tmp_path / "token")}
    assert Settings.load(GOOD | named).gateway()["toy_token"] == "toy-canary"


def test_its_settings_are_unknown_where_it_is_not_named() -> None:
    with pytest.raises(SettingsInvalid, match="SUBLET_TOY_TOKEN is not a setting"):
        Settings.load(GOOD | {"SUBLET_TOY_TOKEN": "x"})


@pytest.mark.parametrize("modules", ["tests.toy.nowhere", "tests.toy", f"{MODULE},{MODULE}"])
def test_a_module_that_is_no_wing_is_told(modules: str) -> None:
    with pytest.raises(SettingsInvalid, match="SUBLET_WINGS"):
        Settings.load(GOOD | {"SUBLET_WINGS": modules})


def test_the_wings_of_the_house_are_found_by_their_folders() -> None:
    assert set(wings.find()) == {"green_api", "whapi"}
    assert set(wings.find([MODULE])) == {"green_api", "whapi", "toy"}


async def test_what_it_raises_is_what_callers_see(house: House) -> None:
    wing = wings.find([MODULE])["toy"].open({"toy_token": "wrong"}, "live", 1.0)
    assert wing is not None
    with pytest.raises(CredentialRefused):
        await wing.listing()
