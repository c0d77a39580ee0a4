"""GREEN-API as the contract sees it."""

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from app.kit.crypto import Secret
from app.providers.green_api.adapter import GreenApi
from app.providers.port import Credentials, Native, Provider
from tests.providers.contract.stage import ANN, OWN, SECONDS, Stage


class GreenStage(Stage):
    """See `Stage`."""

    theirs = "green"
    partner_token = "gac.canary0partner0token0canary"
    an_account = "7103000123"
    named: ClassVar[Mapping[str, str]] = {
        "create": "createInstance",
        "delete": "deleteInstanceAccount",
        "configure": "setSettings",
        "logout": "logout",
        "send": "sendMessage",
    }

    def opened(self, url: str = "", token: str = "", seconds: float = SECONDS) -> Provider:
        where, secret = url or self.running.url, Secret(token or self.partner_token)
        return GreenApi(where, secret, timeout_seconds=seconds, connect_seconds=0.4)

    async def living(self) -> list[str]:
        rows = (await self.sim("instances"))["instances"]
        return [str(row["id_instance"]) for row in rows if row["deleted_at"] is None]

    async def sent(self, credentials: Credentials) -> list[str]:
        rows = (await self.sim(f"messages?id_instance={credentials.account}"))["messages"]
        return [row["text"] for row in rows if row["direction"] == "outgoing"]

    async def slow_start(self) -> None:
        await self.sim("config", {"warmup_401_seconds": 10, "warmup_null_seconds": 10, "starting_seconds": 10})

    async def fill(self, days: int) -> None:
        raise NotImplementedError

    async def _phone(self, credentials: Credentials, act: str, **body: Any) -> Any:
        return await self.sim(f"instances/{credentials.account}/{act}", body)

    async def _told(self, credentials: Credentials, kind: str, **body: Any) -> str:
        about = {"chat_id": ANN, "sender_name": "Ann", "kind": kind, **body}
        return str((await self._phone(credentials, "receive", **about))["id_message"])

    async def scan(self, credentials: Credentials) -> None:
        await self._phone(credentials, "scan", wid=f"{OWN}@c.us", push_name="Shop")

    async def enter(self, credentials: Credentials, code: str) -> None:
        await self._phone(credentials, "enter_code", code=code)

    async def act(self, credentials: Credentials, what: str) -> None:
        await self._phone(credentials, what)

    async def receive(self, credentials: Credentials, words: str = "hi") -> str:
        return await self._told(credentials, "textMessage", text=words)

    async def receive_file(self, credentials: Credentials, name: str) -> str:
        return await self._told(credentials, "imageMessage", file_name=name, caption="see")

    async def type(self, credentials: Credentials, words: str) -> str:
        return str((await self._phone(credentials, "send_from_phone", chat_id=ANN, text=words))["id_message"])

    async def move(self, credentials: Credentials, message_id: str, status: str) -> None:
        act = {"delivered": "deliver", "read": "read"}[status]
        await self._phone(credentials, act, id_message=message_id)

    async def edit(self, credentials: Credentials, message_id: str, words: str) -> None:
        await self._told(credentials, "editedMessage", stanza_id=message_id, text=words)

    async def revoke(self, credentials: Credentials, message_id: str) -> None:
        await self._told(credentials, "deletedMessage", stanza_id=message_id)

    async def react(self, credentials: Credentials, message_id: str, emoji: str) -> None:
        await self._told(credentials, "reactionMessage", stanza_id=message_id, text=emoji)

    async def vote(self, credentials: Credentials, poll_id: str, option: str) -> None:
        await self._told(credentials, "pollUpdateMessage", stanza_id=poll_id, options=[option])

    async def ring(self, credentials: Credentials) -> str:
        told = await self._phone(credentials, "call", chat_id=ANN, statuses=["offer", "missed"])
        return str(told["id_message"])

    async def view(self, credentials: Credentials, status_id: str) -> None:
        await self._phone(credentials, "view_status", id_message=status_id, chat_id=ANN)

    async def post(self, credentials: Credentials, words: str) -> None:
        await self._phone(credentials, "post_status", chat_id=ANN, text=words, background_color="#112233")

    def native_text(self, words: str) -> Native:
        body = json.dumps({"chatId": ANN, "message": words}).encode()
        return Native("sendMessage", "POST", "", body, "application/json")
