"""Whatever is sent to this face: an answer in its shape, never a crash of ours."""

import random
from typing import Any
from urllib.parse import quote

import httpx2

from app.channels.table import ROUTES
from tests.routes.channels.conftest import Client
from tests.routes.compat.speaking.stage import Stage

ODD: tuple[Any, ...] = (None, True, 0, -1, 1e300, "", "\x00", "é" * 50, "x" * 5000, [], [None], {}, {"a": []}, "1@lid")
NAMES = (
    "to", "body", "media", "mime_type", "caption", "quoted", "edit", "typing_time", "latitude", "longitude", "name",
    "vcard", "title", "options", "count", "action", "type", "header", "footer", "archive", "ephemeral", "mark_unread",
    "presence", "delay", "contacts", "phone", "subject", "participants", "setting", "policy", "background_color",
    "font_type", "webhooks", "icon", "about", "url", "mode", "emoji",
)  # fmt: skip
PARTS = ("79990003344@s.whatsapp.net", "79990003344", "120363@g.us", "ABCDEF", "x", "é", "1" * 700, "image", "..")
KINDS = ("image/png", "multipart/form-data", "multipart/form-data; boundary=x", "a/b;c=", "{}")
ROUNDS = 2


async def test_no_body_and_no_path_crashes_it(client: httpx2.AsyncClient, stage: Stage) -> None:
    caller, dice = Client(client, stage.line, stage), random.Random(4)
    for route in ROUTES:
        for _ in range(ROUNDS if route.serve is not None else 1):
            body = {name: dice.choice(ODD) for name in dice.sample(NAMES, 8)}
            query = {name: str(dice.choice(ODD)) for name in dice.sample(("count", "offset", "sort", "from_me"), 1)}
            path = "/".join(
                quote(dice.choice(PARTS)) if part.startswith("{") else part for part in route.path.split("/")
            )
            more: dict[str, Any] = {} if route.takes == "nothing" else {"json": body}
            if route.takes == "file" and dice.random() < 0.5:
                kind = dice.choice(
                    ("image/png", "multipart/form-data", "multipart/form-data; boundary=x", "a/b;c=", "{}")
                )
                more = {"content": dice.randbytes(300), "headers": {"Content-Type": kind}}
            reply = await caller.call(route.verb, path, params=query, **more)
            said = f"{route.verb} {path} {more} {reply.status_code} {reply.text}"
            assert reply.status_code != 500, said
            if reply.status_code >= 400 and route.verb != "HEAD":
                assert reply.json()["error"]["code"] == reply.status_code, said
