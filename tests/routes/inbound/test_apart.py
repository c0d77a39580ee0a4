"""A notification that tells of several things is kept and done as several."""

import json
from functools import partial
from typing import Any

from sqlalchemy import select

from app.inbound import service
from app.inbound.models import Notice
from app.inbound.service import Body
from app.kit.crypto import Secret
from app.kit.db import SYSTEM
from app.messages.models import Message
from app.providers.registry import Registry
from app.providers.whapi.adapter import WhapiCloud
from app.runtime import Runtime
from tests.routes.inbound.test_hook import make_hook

CHANNEL = "RAVENX-7Q2LM"


def entry(number: int) -> dict[str, Any]:
    return {
        "id": f"Qk2m{number:04}aaaa-wBbDUxm1sWx",
        "from_me": False,
        "type": "text",
        "chat_id": "79990003344@s.whatsapp.net",
        "timestamp": 1795219290 + number,
        "source": "mobile",
        "text": {"body": f"Hi {number}"},
        "from": "79990003344",
    }


async def test_each_entry_of_a_callback_is_a_message_once(runtime: Runtime) -> None:
    hook = await make_hook(runtime, provider="whapi", upstream_id=None, upstream_account=CHANNEL)
    token = hook.headers["Authorization"].removeprefix("Bearer ")
    registry = Registry({("whapi", "live"): WhapiCloud("http://127.0.0.1:9", Secret("none"))})
    body = {"messages": [entry(1), entry(2), entry(3)], "event": {"type": "messages", "event": "post"}}
    raw = json.dumps({**body, "channel_id": CHANNEL}).encode()
    for _ in range(2):
        async with runtime.database.begin(SYSTEM) as uow:
            fingerprint = runtime.keyring.fingerprint(token)
            take = partial(service.take, uow, registry, hook.instance_id, fingerprint, public_url="http://x")
            parts = await take([Body(raw)])
            assert len(parts) == 3
            assert await take(parts) == []
    async with runtime.database.begin(SYSTEM) as uow:
        texts = [row.content["text"] for row in await uow.session.scalars(select(Message).order_by(Message.id))]
        assert texts == ["Hi 1", "Hi 2", "Hi 3"]
        assert {row.state for row in await uow.session.scalars(select(Notice))} == {"accepted"}
