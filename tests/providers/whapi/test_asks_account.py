"""The account as its tenant sees it: settings, who is linked, the picture."""

import pytest

from app.providers import asks
from app.providers.errors import BrokenOff, Refused, Unsupported
from tests.providers.samples import JPEG, upload
from tests.providers.whapi.conftest import OWN, Line, Upstream


async def test_settings_are_read_and_written_one_by_one(line: Line) -> None:
    found = await line.perform(asks.ReadSettings())
    assert (found.keep_online, found.mark_incoming_read) == (True, False)
    assert (found.send_delay_ms, found.link_preview, found.typing_speed, found.hidden_ids) == (None, None, None, None)
    await line.perform(asks.WriteSettings(keep_online=False))
    assert await line.upstream.asked("updateChannelSettings") == {"offline_mode": True}
    await line.perform(asks.WriteSettings(mark_incoming_read=True))
    found = await line.perform(asks.ReadSettings())
    assert (found.keep_online, found.mark_incoming_read) == (False, True)


@pytest.mark.parametrize(
    "ask",
    [
        asks.WriteSettings(send_delay_ms=700, keep_online=True),
        asks.WriteSettings(mark_incoming_read_on_reply=True),
        asks.WriteSettings(typing_speed=2),
        asks.WriteSettings(link_preview=False),
        asks.WriteSettings(hidden_ids=True),
    ],
)
async def test_settings_that_are_not_there_change_nothing(unpaired: Line, ask: asks.WriteSettings) -> None:
    with pytest.raises(Unsupported):
        await unpaired.perform(ask)
    assert await unpaired.upstream.calls("updateChannelSettings") == []


async def test_what_a_channel_does_anyway_may_be_asked_for(unpaired: Line) -> None:
    anyway = asks.WriteSettings(typing_speed=0, link_preview=True, mark_incoming_read_on_reply=False, hidden_ids=False)
    await unpaired.perform(anyway)
    assert await unpaired.upstream.calls("updateChannelSettings") == []


async def test_settings_do_not_touch_the_webhooks(line: Line, upstream: Upstream) -> None:
    truth = f"whapi/channels?channel_id={line.credentials.account}"
    before = (await upstream.sim(truth))["channels"][0]["settings"]["webhooks"]
    await line.perform(asks.WriteSettings(mark_incoming_read=True))
    assert (await upstream.sim(truth))["channels"][0]["settings"]["webhooks"] == before
    asked = len(await upstream.calls("updateChannelSettings"))
    await line.perform(asks.WriteSettings())
    assert len(await upstream.calls("updateChannelSettings")) == asked


async def test_who_is_linked(unpaired: Line) -> None:
    found = await unpaired.perform(asks.ReadAccount())
    assert (found.connection, found.phone, found.chat_id) == ("unpaired", None, None)
    assert await unpaired.upstream.calls("getUserProfile") == []
    await unpaired.phone("scan", phone=OWN, name="Shop")
    found = await unpaired.perform(asks.ReadAccount())
    assert (found.connection, found.phone, found.chat_id) == ("connected", OWN, f"{OWN}@c.us")
    assert str(found.device_id).endswith("@s.whatsapp.net")
    assert all(call["request"] == {"wakeup": "false"} for call in (await unpaired.upstream.calls("checkHealth"))[-2:])


async def test_the_picture_is_set_and_told(line: Line) -> None:
    assert (await line.perform(asks.ReadAccount())).picture_link is None
    picture = await line.perform(asks.SetProfilePicture(upload(JPEG)))
    assert str(picture.picture_link).startswith("http")
    assert (await line.perform(asks.ReadAccount())).picture_link == picture.picture_link
    async with line.upstream.session.get(str(picture.picture_link)) as response:
        assert await response.read() == JPEG


async def test_a_picture_of_unknown_size_is_passed_on(line: Line) -> None:
    picture = await line.perform(asks.SetProfilePicture(upload(JPEG, size=None)))
    async with line.upstream.session.get(str(picture.picture_link)) as response:
        assert await response.read() == JPEG


async def test_a_picture_that_breaks_off_is_not_set(line: Line) -> None:
    with pytest.raises(BrokenOff):
        await line.perform(asks.SetProfilePicture(upload(JPEG, size=len(JPEG) + 1)))
    assert (await line.perform(asks.ReadAccount())).picture_link is None


async def test_a_group_picture_wants_a_picture(line: Line) -> None:
    made = await line.perform(asks.CreateGroup("crew", ("79990003344@c.us",)))
    with pytest.raises(Refused):
        await line.perform(asks.SetGroupPicture(made.group_id, upload(b"%PDF", kind="application/pdf", name="a.pdf")))
