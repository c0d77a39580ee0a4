"""Avatars: kept in memory and served to whoever has the link, as WhatsApp's picture hosts do."""

import base64
import secrets

from aiohttp import web

from simulator.wire import Call
from simulator.world import World

JPEG = b"\xff\xd8\xff"
SMALLEST = base64.b64decode(
    "/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAP//////////////////////////////////////////////////////////////////////"
    "////////////////wgALCAABAAEBAREA/8QAFBABAAAAAAAAAAAAAAAAAAAAAP/aAAgBAQABPxA="
)
"""A picture of one point, for people whose avatar nobody gave."""


def routes(world: World) -> list[web.RouteDef]:
    """Where the links lead."""

    async def serve(request: web.Request) -> web.Response:
        picture = world.pictures.get(request.match_info["key"])
        if picture is None:
            raise web.HTTPNotFound(text="Not Found")
        return web.Response(body=picture, content_type="image/jpeg")

    return [web.get("/pictures/{key}.jpg", serve)]


def is_jpeg(picture: bytes) -> bool:
    """Begins as a JPEG does."""
    return picture.startswith(JPEG)


def keep(world: World, picture: bytes) -> str:
    """Store a picture and give its path."""
    key = secrets.token_hex(12)
    world.pictures[key] = picture
    return f"/pictures/{key}.jpg"


def link(call: Call, avatar: str) -> str:
    """The address of an avatar for this caller; addresses from elsewhere stay as they are."""
    return f"http://{call.headers.get('Host', 'localhost')}{avatar}" if avatar.startswith("/") else avatar


def in_base64(world: World, avatar: str) -> str:
    """A kept picture as text; empty when it is none of ours."""
    key = avatar.removeprefix("/pictures/").removesuffix(".jpg")
    return base64.b64encode(world.pictures.get(key, b"")).decode()
