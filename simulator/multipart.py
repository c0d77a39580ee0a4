"""Multipart forms, read whole: small enough for pictures, strict enough to find a broken client."""

import re
from dataclasses import dataclass

BOUNDARY = re.compile(r'boundary=(?:"([^"]+)"|([^;\s]+))', re.IGNORECASE)
PARAMETER = re.compile(rb'\b(name|filename)="([^"]*)"', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Part:
    """One field of a form; `file_name` is None for an ordinary one."""

    name: str
    body: bytes
    file_name: str | None = None
    content_type: str = ""

    @property
    def text(self) -> str:
        """The field as text."""
        return self.body.decode("utf-8", "replace")


def parts(raw: bytes, content_type: str) -> dict[str, Part] | None:
    """The fields of a form by name, or None when the body is no whole form."""
    stated = BOUNDARY.search(content_type)
    if not content_type.lower().startswith("multipart/form-data") or stated is None:
        return None
    mark = b"--" + (stated.group(1) or stated.group(2)).encode("latin-1", "replace")
    pieces = (b"\r\n" + raw).split(b"\r\n" + mark)
    if len(pieces) < 3 or not pieces[-1].startswith(b"--"):
        return None
    found: dict[str, Part] = {}
    for piece in pieces[1:-1]:
        head, _, body = piece.lstrip(b" \t").removeprefix(b"\r\n").partition(b"\r\n\r\n")
        part = _part(head, body)
        if part is None:
            return None
        found[part.name] = part
    return found


def _part(head: bytes, body: bytes) -> Part | None:
    fields: dict[str, bytes] = {}
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        fields[name.strip().lower().decode("latin-1")] = value.strip()
    stated = {key.lower(): value for key, value in PARAMETER.findall(fields.get("content-disposition", b""))}
    if b"name" not in stated:
        return None
    file_name = stated.get(b"filename")
    return Part(
        stated[b"name"].decode("utf-8", "replace"),
        body,
        None if file_name is None else file_name.decode("utf-8", "replace"),
        fields.get("content-type", b"").decode("latin-1"),
    )
