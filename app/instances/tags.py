"""Pure rules: the upstream name of an instance of ours, by which it is found again when an answer was lost."""

import base64
import re
import zlib
from typing import Final
from uuid import UUID

MOST_LENGTH: Final = 59
MOST_MOVES: Final = 99
DEPLOYMENT_LENGTH: Final = 16
SHAPE: Final = re.compile(r"slt1-([a-z0-9-]{1,16})-([a-z2-7]{26})-([0-9a-f]{8})([0-9]{2})?")


def make_tag(deployment: str, instance_id: UUID, moves: int = 0) -> str:
    """The tag of an instance's account; it never changes. One that was moved has another account under another tag.

    The checksum covers the deployment's full name, the id and how often it was moved.
    """
    encoded = base64.b32encode(instance_id.bytes).decode().rstrip("=").lower()
    short = re.sub(r"[^a-z0-9-]", "", deployment.lower())[:DEPLOYMENT_LENGTH] or "x"
    ending = f"{moves:02}" if moves else ""
    return f"slt1-{short}-{encoded}-{_checksum(deployment, instance_id, ending)}{ending}"


def read_tag(deployment: str, name: str) -> UUID | None:
    """The instance whose tag an upstream name is, or was; None when it is not a tag of exactly this deployment.

    Upstream matches names without case, so case does not matter here either.
    """
    found = SHAPE.fullmatch(name.strip().lower())
    if found is None:
        return None
    try:
        instance_id = UUID(bytes=base64.b32decode(found[2].upper() + "=" * 6))
    except ValueError:
        return None
    return instance_id if make_tag(deployment, instance_id, int(found[4] or 0)) == found[0] else None


def _checksum(deployment: str, instance_id: UUID, ending: str) -> str:
    return f"{zlib.crc32(deployment.encode() + b'|' + instance_id.bytes + ending.encode()):08x}"
