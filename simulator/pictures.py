"""Avatars: JPEG files from forms, published behind links that do not end."""

import base64

from simulator.wire import Call
from simulator.world import World

JPEG = b"\xff\xd8\xff"
FOREVER_SECONDS = 100 * 365 * 86400.0
SMALLEST = base64.b64decode(
    "/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAP//////////////////////////////////////////////////////////////////////"
    "////////////////wgALCAABAAEBAREA/8QAFBABAAAAAAAAAAAAAAAAAAAAAP/aAAgBAQABPxA="
)
"""A picture of one point, for people whose avatar nobody gave."""


def is_jpeg(call: Call) -> bool:
    """The call is a form with a file that begins as a JPEG does."""
    if call.upload is None or not call.headers.get("Content-Type", "").lower().startswith("multipart/"):
        return False
    with call.upload.path.open("rb") as file:
        return file.read(len(JPEG)) == JPEG


def publish(world: World, call: Call) -> str:
    """The address of the picture that came with the call."""
    assert call.upload is not None
    return world.storage.link(call.here.id_instance, call.upload, FOREVER_SECONDS)


def invent(world: World, id_instance: int) -> str:
    """The address of a picture nobody gave."""
    blob = world.storage.keep("avatar.jpg", "image/jpeg", [SMALLEST])
    return world.storage.link(id_instance, blob, FOREVER_SECONDS)


def in_base64(world: World, avatar: str) -> str:
    """A published picture as text; empty when there is none."""
    blob = world.storage.of_url(avatar)
    return "" if blob is None else base64.b64encode(blob.path.read_bytes()).decode()
