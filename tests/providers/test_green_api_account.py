"""What GREEN-API does in its own way with an account; what every wing promises stands in `contract`."""

import pytest

from app.providers.port import Credentials, Link, Provider
from tests.providers.conftest import HOOK_TOKEN, WISH, Upstream, account, linked


async def test_a_creation_carries_tag_and_settings_in_its_one_call(wing: Provider, upstream: Upstream) -> None:
    made = await wing.create(WISH)
    truth = await upstream.truth(made.account)
    assert truth["name"] == WISH.tag
    assert truth["token"] == made.token.reveal()
    assert truth["settings"]["webhookUrl"] == WISH.hook_url
    assert truth["settings"]["webhookUrlToken"] == HOOK_TOKEN
    assert len(await upstream.calls("createInstance")) == 1
    assert await upstream.calls("setSettings") == []


async def test_a_young_account_goes_from_not_ready_to_unpaired(wing: Provider, upstream: Upstream) -> None:
    await upstream.sim("config", {"warmup_401_seconds": 10, "warmup_null_seconds": 10, "starting_seconds": 10})
    made = await wing.create(WISH)
    credentials = Credentials(made.account, made.token)
    seen = []
    for _ in range(4):
        seen.append(await wing.link(credentials))
        await upstream.advance(10)
    assert seen == [Link.NOT_READY, Link.NOT_READY, Link.STARTING, Link.UNPAIRED]


@pytest.mark.parametrize(("act", "link"), [("suspend", Link.DISCONNECTED), ("yellow_card", Link.CONNECTED)])
async def test_links_after_acts_of_whatsapp(wing: Provider, upstream: Upstream, act: str, link: Link) -> None:
    credentials = await linked(wing, upstream)
    assert await wing.link(credentials) is Link.CONNECTED
    await upstream.phone(credentials, act)
    assert await wing.link(credentials) is link


async def test_a_reboot_restarts(wing: Provider) -> None:
    credentials = await account(wing)
    await wing.reboot(credentials)
    assert await wing.link(credentials) is Link.STARTING
