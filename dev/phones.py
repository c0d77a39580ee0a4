"""The other side of an instance, as the simulator plays it: the phone, and what the gateway truly has of it."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from dev.outside import Outside, Unexpected


class Phone(ABC):
    """The phone of one instance, and the truth about its account; numbers are digits."""

    title: ClassVar[str]
    create: ClassVar[str]
    """Its gateway's method that makes an account, as faults name it."""

    def __init__(self, outside: Outside, tag: str) -> None:
        self.outside, self.tag = outside, tag

    @abstractmethod
    def rows(self) -> list[dict[str, Any]]:
        """Every account that bears the tag, gone ones too."""

    @property
    def truth(self) -> dict[str, Any]:
        """The one account that bears the tag.

        Raises:
            Unexpected: there is none, or there are several.
        """
        found = self.rows()
        if len(found) != 1:
            raise Unexpected(f"{len(found)} upstream accounts bear the tag {self.tag}")
        return found[0]

    @property
    @abstractmethod
    def account(self) -> str:
        """The account's name at its gateway."""

    @abstractmethod
    def scan(self, number: str) -> None:
        """The phone scans the QR that is shown."""

    @abstractmethod
    def receive(self, number: str, text: str) -> None:
        """Somebody writes to the phone."""

    @abstractmethod
    def texts(self) -> list[str]:
        """The texts that the gateway was given to send, in order."""

    @abstractmethod
    def is_gone(self) -> bool:
        """Whether the account is deleted and the phone no longer linked with it."""

    def is_live(self) -> bool:
        """Whether the gateway serves the account as a paid one, and the phone is back from the change."""
        return True

    def pool_days(self) -> float | None:
        """The days that its partner account holds; None where days are not paid beforehand."""
        return None


class GreenApiPhone(Phone):
    """Of an instance at GREEN-API."""

    title = "GREEN-API"
    create = "createInstance"

    def rows(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.outside.upstream("GET", f"instances?name={self.tag}")["instances"]
        return found

    @property
    def account(self) -> str:
        return str(self.truth["id_instance"])

    def scan(self, number: str) -> None:
        self._act("scan", {"wid": f"{number}@c.us"})

    def receive(self, number: str, text: str) -> None:
        self._act("receive", {"chat_id": f"{number}@c.us", "text": text})

    def texts(self) -> list[str]:
        rows = self.outside.upstream("GET", f"messages?id_instance={self.account}")["messages"]
        return [str(row["text"]) for row in rows if row["direction"] == "outgoing"]

    def is_gone(self) -> bool:
        return self.truth["deleted_at"] is not None and not self.truth["linked_device_left"]

    def _act(self, name: str, body: dict[str, Any]) -> None:
        self.outside.upstream("POST", f"instances/{self.account}/{name}", body)


class WhapiPhone(Phone):
    """Of a channel at Whapi.Cloud."""

    title = "Whapi"
    create = "createChannel"

    def rows(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.outside.upstream("GET", f"whapi/channels?name={self.tag}")["channels"]
        return found

    @property
    def account(self) -> str:
        return str(self.truth["id"])

    def scan(self, number: str) -> None:
        self._act("scan", {"phone": number})

    def receive(self, number: str, text: str) -> None:
        self._act("receive", {"chat_id": f"{number}@s.whatsapp.net", "body": text})

    def texts(self) -> list[str]:
        path = f"whapi/messages?channel_id={self.account}&from_me=true"
        return [str(row.get("text", {}).get("body")) for row in self.outside.upstream("GET", path)["messages"]]

    def is_gone(self) -> bool:
        return self.truth["state"] == "deleted" and self.truth["user"] is None

    def is_live(self) -> bool:
        truth = self.truth
        return bool(truth["mode"] == "live" and truth["state"] == "AUTH")

    def pool_days(self) -> float | None:
        partner = self.truth["partner"]
        found = self.outside.upstream("GET", "whapi/partners")["partners"]
        return float(next(row["pool_days"] for row in found if row["token"] == partner))

    def _act(self, name: str, body: dict[str, Any]) -> None:
        self.outside.upstream("POST", f"whapi/channels/{self.account}/{name}", body)


PHONES: dict[str, type[Phone]] = {"green_api": GreenApiPhone, "whapi": WhapiPhone}


def phone_of(outside: Outside, instance_id: str) -> Phone:
    """The phone of an instance, whichever gateway it is at."""
    seen = outside.operator("GET", f"/instances/{instance_id}")
    return PHONES[seen["provider"]](outside, seen["tag"])


def alive(outside: Outside) -> int:
    """How many accounts the gateways have in all."""
    green = outside.upstream("GET", "instances")["instances"]
    whapi = outside.upstream("GET", "whapi/channels")["channels"]
    gone = ("deleted", "vanished")
    return sum(row["deleted_at"] is None for row in green) + sum(row["state"] not in gone for row in whapi)
