"""Settings of the channel: they are the tenant's own, and its webhooks are told by us; the gateway's stay ours."""

from typing import Final

from app.channels.answer import SUCCESS, Answer, refused, told
from app.channels.asking import Asking
from app.channels.parts import Call
from app.gateway.catalogue import METHODS
from app.lines.hooks import rules
from app.lines.hooks import service as hooks

DEFAULT: Final = refused(409, "the settings are those of a new channel already")


async def read(asking: Asking, call: Call) -> Answer:
    """The settings, with the webhooks that the tenant has set."""
    await _pace(asking, call, "getSettings")
    async with asking.parts.database.begin(call.channel.tenant_id) as uow:
        return told(await hooks.settings_of(uow, call.channel.line))


async def change(asking: Asking, call: Call) -> Answer:
    """Change what is named; the list of webhooks is replaced as a whole."""
    await _pace(asking, call, "setSettings")
    async with asking.parts.database.begin(call.channel.tenant_id) as uow:
        changed = await hooks.change_settings(
            uow, call.channel.line, dict(call.fields.given), check_url=asking.parts.egress.check_url
        )
    return told(changed)


async def reset(asking: Asking, call: Call) -> Answer:
    """Back to what a new channel has; 409 when it is so."""
    await _pace(asking, call, "setSettings")
    async with asking.parts.database.begin(call.channel.tenant_id) as uow:
        return SUCCESS if await hooks.reset_settings(uow, call.channel.line) else DEFAULT


async def events(asking: Asking, call: Call) -> Answer:
    """The events that a webhook can be told."""
    await _pace(asking, call, "getSettings")
    return told([{"type": type_, "method": verb} for type_, verb in rules.TOLD])


async def test(asking: Asking, call: Call) -> Answer:
    """Send a made-up event to an address; 400 with what came of it when the address does not take it."""
    await _pace(asking, call, "setSettings")
    channel = call.channel
    reply = await hooks.send_sample(asking.parts.egress, channel.line, call.fields.given, channel.now)
    if reply.status is not None and 200 <= reply.status < 300:
        return SUCCESS
    return refused(400, f"the address answered {reply.status}" if reply.status else "the address did not answer")


async def _pace(asking: Asking, call: Call, method: str) -> None:
    """Let the call go on when its time has come.

    Raises:
        CalledTooFast: 429.
    """
    await asking.parts.gateway.pace.wait(call.channel.instance.id, METHODS[method.lower()])
