"""Whapi.Cloud as the contract sees it."""

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from app.kit.crypto import Secret
from app.providers.port import Credentials, Native, Provider
from app.providers.whapi.adapter import WhapiCloud
from tests.providers.contract.stage import OWN, SECONDS, Stage

THEIR_ANN = "79990003344@s.whatsapp.net"


class WhapiStage(Stage):
    """See `Stage`."""

    theirs = "whapi"
    partner_token = "canary.whapi0partner0token"
    an_account = "RAVENX-7Q2LM"
    named: ClassVar[Mapping[str, str]] = {
        "create": "createChannel",
        "delete": "deleteChannel",
        "fund": "extendChannel",
        "go_live": "changeChannelMode",
        "configure": "updateChannelSettings",
        "logout": "logoutUser",
        "send": "sendMessageText",
    }

    def opened(self, url: str = "", token: str = "", seconds: float = SECONDS) -> Provider:
        return WhapiCloud(
            url or self.running.whapi_manager_url,
            Secret(token or self.partner_token),
            project="prj0EXAMPLE000000001" if url else "",
            timeout_seconds=seconds,
            connect_seconds=0.4,
        )

    async def living(self) -> list[str]:
        rows = (await self.sim("whapi/channels"))["channels"]
        return [row["id"] for row in rows if row["state"] not in ("deleted", "vanished")]

    async def sent(self, credentials: Credentials) -> list[str]:
        rows = (await self.sim(f"whapi/messages?channel_id={credentials.account}&from_me=true"))["messages"]
        return [row["text"]["body"] for row in rows if row["type"] == "text"]

    async def slow_start(self) -> None:
        await self.sim("config", {"whapi": {"init_seconds": 20, "launch_seconds": 10}})

    async def fill(self, days: int) -> None:
        await self.sim("whapi/partners", {"token": self.partner_token, "days": days})

    async def _phone(self, credentials: Credentials, act: str, /, **body: Any) -> Any:
        return await self.sim(f"whapi/channels/{credentials.account}/{act}", body)

    async def _told(self, credentials: Credentials, **body: Any) -> str:
        about = {"chat_id": THEIR_ANN, "sender_name": "Ann", **body}
        return str((await self._phone(credentials, "receive", **about))["message_id"])

    async def scan(self, credentials: Credentials) -> None:
        await self._phone(credentials, "scan", phone=OWN, name="Shop")

    async def enter(self, credentials: Credentials, code: str) -> None:
        await self._phone(credentials, "enter_code", code=code)

    async def act(self, credentials: Credentials, what: str) -> None:
        await self._phone(credentials, what)

    async def receive(self, credentials: Credentials, words: str = "hi") -> str:
        return await self._told(credentials, body=words)

    async def receive_file(self, credentials: Credentials, name: str) -> str:
        return await self._told(credentials, kind="image", file_name=name, caption="see")

    async def type(self, credentials: Credentials, words: str) -> str:
        return str((await self._phone(credentials, "send_from_phone", chat_id=THEIR_ANN, body=words))["message_id"])

    async def move(self, credentials: Credentials, message_id: str, status: str) -> None:
        act = {"delivered": "deliver", "read": "read"}[status]
        await self._phone(credentials, act, message_id=message_id)

    async def edit(self, credentials: Credentials, message_id: str, words: str) -> None:
        await self._phone(credentials, "edit", message_id=message_id, body=words)

    async def revoke(self, credentials: Credentials, message_id: str) -> None:
        await self._phone(credentials, "revoke", message_id=message_id)

    async def react(self, credentials: Credentials, message_id: str, emoji: str) -> None:
        await self._phone(credentials, "react", message_id=message_id, emoji=emoji)

    async def vote(self, credentials: Credentials, poll_id: str, option: str) -> None:
        await self._phone(credentials, "vote", message_id=poll_id, options=[option])

    async def ring(self, credentials: Credentials) -> str:
        call_id = (await self._phone(credentials, "call", **{"from": "79990003344"}))["call_id"]
        await self._phone(credentials, "call", call_id=call_id, status="missed")
        return str(call_id)

    async def view(self, credentials: Credentials, status_id: str) -> None:
        await self._phone(credentials, "read", message_id=status_id, by="79990003344")

    async def post(self, credentials: Credentials, words: str) -> None:
        await self._phone(credentials, "story", sender="79990003344", sender_name="Ann", body=words)

    def native_text(self, words: str) -> Native:
        body = json.dumps({"to": THEIR_ANN, "body": words}).encode()
        return Native("/messages/text", "POST", "", body, "application/json")
