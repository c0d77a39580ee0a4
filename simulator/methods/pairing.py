"""Pairing: the QR code over HTTP, the frames of the socket, and codes for the phone's keyboard."""

import base64
import hashlib
import io
import secrets

import segno

from simulator import life
from simulator.instance import LINKED, Instance
from simulator.wire import Call, Reply, answer, number_of
from simulator.world import World

PAIRED_TEXT = "instance account already authorized"
CODE_LETTERS = "123456789ABCDEFGHJKLMNPQRSTVWXYZ"


def get_qr(world: World, call: Call) -> Reply:
    """The code of the moment, or the word that a phone is linked already."""
    instance = call.here
    if instance.base in LINKED:
        return answer({"type": "alreadyLogged", "message": PAIRED_TEXT})
    if instance.base != "notAuthorized":
        return answer({"type": "error", "message": f"instance is {instance.base}"})
    return answer({"type": "qrCode", "message": image(world, instance)})


def get_code(world: World, call: Call) -> Reply:
    """A fresh code that replaces the one before; too many in a row send the instance to `starting`."""
    instance = call.here
    phone = number_of(world, call, "phoneNumber", least=1)
    refused = answer({"status": False, "code": ""}, real="refused")
    if instance.base != "notAuthorized" or instance.code_stuck:
        return refused
    now = world.clock.now()
    if now >= instance.code_until:
        instance.code_calls = 0
    if instance.code_calls >= world.config.code_calls_before_restart:
        instance.code_calls = 0
        instance.code = ""
        life.restart(world, instance)
        return refused
    instance.code_calls += 1
    instance.code = "".join(secrets.choice(CODE_LETTERS) for _ in range(8))
    instance.code_phone = str(phone)
    instance.code_until = now + world.config.code_valid_seconds
    return answer({"status": True, "code": instance.code})


def window(world: World, instance: Instance) -> int:
    """Which code of the row is shown now."""
    return int((world.clock.now() - instance.qr_since) / world.config.qr_rotate_seconds + 1e-9)


def rotates_at(world: World, instance: Instance) -> float:
    """When the next code of the row is shown."""
    return instance.qr_since + (window(world, instance) + 1) * world.config.qr_rotate_seconds


def image(world: World, instance: Instance) -> str:
    """The code of the moment as a PNG in base64, drawn once per rotation."""
    shown = (window(world, instance), instance.qr_since)
    if instance.qr_shown[0] != shown:
        seed = f"{instance.token}:{shown[0]}:{shown[1]}".encode()
        secret = base64.b64encode(hashlib.sha256(seed).digest()).decode()
        picture = io.BytesIO()
        segno.make(f"2@{secret},{secret[::-1]}", error="l", micro=False).save(picture, kind="png", scale=4, border=2)
        instance.qr_shown = (shown, base64.b64encode(picture.getvalue()).decode())
    return instance.qr_shown[1]
