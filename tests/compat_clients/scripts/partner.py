"""A reseller's program on the partner part of whatsapp-api-client-python, sync and async."""

import asyncio
import logging
from typing import Any

import talk
from whatsapp_api_client_python.API import GreenApiPartner

logging.getLogger("whatsapp-api-client-python").propagate = False


async def run(given: dict[str, Any]) -> None:
    """Make, list and delete, one after the other."""
    api = GreenApiPartner(given["partner_token"], host=given["host"])
    stranger = GreenApiPartner("gac.unknown00000000000000000000000000000000", host=given["host"])
    calls: list[tuple[str, Any]] = [
        ("getInstances", api.partner.getInstances),
        ("createInstance", lambda: api.partner.createInstance({"name": "Shop", "incomingWebhook": "yes"})),
        ("getInstancesAsync", api.partner.getInstancesAsync),
        ("go live", lambda: talk.cue("paid")),
        ("createInstanceAsync", lambda: api.partner.createInstanceAsync({"name": "Bakery"})),
        ("deleteInstanceAccount", lambda: api.partner.deleteInstanceAccount(made[0])),
        ("deleteInstanceAccount", lambda: api.partner.deleteInstanceAccount(made[0])),
        ("deleteInstanceAccountAsync", lambda: api.partner.deleteInstanceAccountAsync(made[1])),
        ("deleteInstanceAccount", lambda: api.partner.deleteInstanceAccount(12345)),
        ("getInstances", api.partner.getInstances),
        ("getInstances", stranger.partner.getInstances),
        ("createInstance", lambda: stranger.partner.createInstance({"name": "Shop"})),
        ("deleteInstanceAccount", lambda: stranger.partner.deleteInstanceAccount(made[0])),
    ]
    made: list[int] = []
    for name, call in calls:
        if name == "go live":
            call()
            continue
        answer = await call() if name.endswith("Async") else call()
        if name.startswith("create") and answer.data and "idInstance" in answer.data:
            made.append(answer.data["idInstance"])
        talk.say(step=f"partner.{name}", code=answer.code)
    offered = [name for name in dir(api.partner) if not name.startswith("_") and name != "api"]
    talk.say(offered=[f"partner.{name}" for name in offered])


if __name__ == "__main__":
    asyncio.run(run(talk.given()))
