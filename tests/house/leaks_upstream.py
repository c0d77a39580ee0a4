"""What an upstream says that no tenant may read: every shape of its errors, and its notifications with more in them.

Shapes and sentences: GREEN-API pages Common errors, 466 error, Partners, notifications and the replies that its users
quote (read 2026-11-21); the pages are those of the proxies in front of such services.
"""

import copy
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.house.methods_seats import Seat

CONSOLE = "console.green-api.com"
HOSTS = ("api.green-api.com", "7103.api.greenapi.com", "7103.media.greenapi.com", "media.green-api.com", CONSOLE)
SENTENCES = (
    "Renew your instance from personal area",
    "Change your tariff in the console",
    "in your GREEN-API console",
    "GREEN-API support",
    "monthly quota of",
    "only these chats are left",
)
"""Parts of the upstream's own sentences that name its brand, its console, or its prices."""
IN_EVERY_SHAPE = (200, 400, 403, 466, 500, 502)
IN_SOME = (201, 301, 302, 401, 402, 404, 405, 408, 413, 415, 422, 429, 431, 451, 469, 499, 501, 503, 504, 520, 524)
SOME = ("object", "text", "page")


@dataclass(frozen=True)
class Told:
    """One answer of the upstream."""

    status: int
    shape: str
    body: Any = field(repr=False)
    content_type: str = "application/json"

    def __str__(self) -> str:
        return f"{self.status} {self.shape}"

    @property
    def rule(self) -> dict[str, Any]:
        """As a fault of the simulator."""
        return {"kind": "status", "status": self.status, "body": self.body, "content_type": self.content_type}


def secrets_of(seat: Seat) -> str:
    """All that must not be read, in one sentence."""
    where = " ".join(f"https://{host}/waInstance{seat.upstream_id}/sendMessage/{seat.upstream_token}" for host in HOSTS)
    return (
        f"Instance {seat.upstream_id} token {seat.upstream_token}: {'. '.join(SENTENCES)}. See {where} or ask {CONSOLE}"
    )


def bodies(seat: Seat, status: int) -> dict[str, tuple[Any, str]]:
    """Every shape of an error."""
    said, path = secrets_of(seat), f"/waInstance{seat.upstream_id}/sendMessage/{seat.upstream_token}"
    page = f"<html><head><title>{status}</title></head><body><h1>{said}</h1><hr>nginx {HOSTS[1]}{path}</body></html>"
    quota = {"used": 3, "total": 3, "description": f"monthly quota of chats: {said}"}
    text, html = "text/plain", "text/html"
    return {
        "object": (
            {"statusCode": status, "timestamp": "2026-11-21T18:24:03.120Z", "path": path, "message": said},
            "application/json",
        ),
        "validation": (
            {"statusCode": status, "path": path, "message": f"Validation failed. Details: 'chatId' {said}"},
            "application/json",
        ),
        "message": ({"message": said, "error": said, "path": path}, "application/json"),
        "reason": ({"reason": said, "result": False, "status": False, "isCleared": False}, "application/json"),
        "code": ({"code": status, "description": said}, "application/json"),
        "quota": (
            {
                "invokeStatus": {**quota, "method": "sendmessage", "status": "QUOTE_EXCEEDED"},
                "correspondentsStatus": {**quota, "method": f"correspondents {path}", "status": said},
                "apiUrl": f"https://{HOSTS[1]}",
            },
            "application/json",
        ),
        "string": (f'"Error: {said}"', "application/json"),
        "list": ([{"apiUrl": f"https://{HOSTS[1]}", "idInstance": seat.upstream_id}], "application/json"),
        "text": (said, text),
        "known text": (f"Instance account is expired. Renew your instance from personal area. {said}", text),
        "page": (page, html),
        "half": ('{"message":"' + said, "application/json"),
        "large": (page * 40, html),
    }


def errors(seat: Seat) -> Iterator[Told]:
    """Every status, in every shape that it is known to come in."""
    for status in (*IN_EVERY_SHAPE, *IN_SOME):
        for shape, (body, content_type) in bodies(seat, status).items():
            if status in IN_EVERY_SHAPE or shape in SOME:
                yield Told(status, shape, body, content_type)


WORST = {
    "refused in words": (400, "message"),
    "refused by a proxy": (403, "page"),
    "quota": (466, "quota"),
    "failed in words": (500, "object"),
    "proxy failed": (502, "page"),
    "done with words": (200, "reason"),
}
"""What every method meets; all shapes are met by some."""


def worst(name: str, seat: Seat) -> dict[str, Any]:
    """One of them as a fault."""
    status, shape = WORST[name]
    body, content_type = bodies(seat, status)[shape]
    return Told(status, shape, body, content_type).rule


PEOPLE = frozenset({"messageData", "senderData"})
"""What people wrote stands there, and is theirs; upstream itself writes links to files into it."""
LINKS = frozenset({"downloadUrl", "urlFile"})
IDS = frozenset({"idMessage", "chatId", "from", "wid", "phone", "stanzaId", "participants", "idInstance", "timestamp"})
"""WhatsApp's own names, which have no room for more; the account's number is replaced."""


def poisoned(seat: Seat, body: dict[str, Any]) -> list[dict[str, Any]]:
    """A true notification with secrets in every field that upstream writes: all together, and one after the other."""
    said, link = secrets_of(seat), f"https://{HOSTS[2]}/waInstance{seat.upstream_id}/{seat.upstream_token}/a.jpg"
    alone = (said, f"the token is {seat.upstream_token}", f"of account {seat.upstream_id}", str(seat.upstream_id))
    found = []
    for number, place in enumerate(_places(body)):
        changed = copy.deepcopy(body)
        _put(changed, place, link if place[-1] in LINKS else alone[number % len(alone)])
        found.append(changed)
    whole = copy.deepcopy(body)
    for place in _places(body):
        if place != ("typeWebhook",):
            _put(whole, place, link if place[-1] in LINKS else said)
    whole |= {
        "apiTokenInstance": seat.upstream_token,
        "webhookUrlToken": seat.upstream_token,
        "apiUrl": f"https://{HOSTS[1]}",
        "fileUrl": link,
        "more": {"deep": [{"text": said, "urlPicture": link, "number": seat.upstream_id}]},
        "numbers": [seat.upstream_id, str(seat.upstream_id)],
    }
    return [*found, whole]


def _places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where upstream writes a text."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _places(item, (*at, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _places(item, (*at, index))
    elif isinstance(value, str):
        name = at[-1]
        if name in LINKS or (not PEOPLE & set(at) and name not in IDS):
            yield at


def _put(value: Any, place: tuple[Any, ...], new: Any) -> None:
    *path, last = place
    for step in path:
        value = value[step]
    value[last] = new
