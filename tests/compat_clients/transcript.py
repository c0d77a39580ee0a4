"""What went over the wire and what the client made of it, without ids, hosts and times: comparable and kept."""

import difflib
import email.parser
import email.policy
import hashlib
import json
import os
import re
from pathlib import Path
from typing import Any

from tests.compat_clients.recorder import Exchange

GOLDEN = Path(__file__).parent / "golden"
REWRITE = "SUBLET_REWRITE_GOLDEN"
"""Set to 1, the kept transcripts are written anew from the gateway's own answers."""

HEADERS_THAT_MATTER = ("user-agent", "content-type", "ga-filename")
SECONDS_LEFT = "leftTime"
TIMES = frozenset(("timestamp", "timestampRead", "timestampDelivered", "timestampSent", "creation", "statusTimestamp",
                   "timeCreated", "timeDeleted", "lastSeen", "ephemeralSettingTimestamp", "subjectTime",
                   "low"))  # fmt: skip
MESSAGE_ID = re.compile(r"(?<![0-9A-Za-z])[0-9A-F]{16,34}(?![0-9A-Za-z])")
GROUP_ID = re.compile(r"(?<!\d)\d{10,}(?:-\d+)?@g\.us")
ISO_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)?")
LINK = re.compile(r"https?://(?:127\.0\.0\.1:\d+|chat\.whatsapp\.com)/[^\s\"',]*")
RECEIPT = re.compile(r"receipt (\d+)")
TOKEN = re.compile(r"(?<![0-9a-f])[0-9a-f]{50}(?![0-9a-f])")
LONG_BASE64 = re.compile(r"^[A-Za-z0-9+/]{200,}={0,2}$")


class Normaliser:
    """Takes what differs between any two runs out of one run's transcript, and numbers what must stay distinct."""

    def __init__(self, names: dict[str, str], *, host: str) -> None:
        """`names`: this run's own ids and tokens, and what to call them."""
        self._names = sorted(names.items(), key=lambda pair: -len(pair[0]))
        self._host = host
        self._numbered: dict[str, dict[str, str]] = {}

    def text(self, value: str) -> str:
        """A text without this run's ids."""
        for secret, name in self._names:
            value = re.sub(rf"(?<![0-9]){re.escape(secret)}(?![0-9])", f"<{name}>", value)
        value = value.replace(self._host, "<host>")
        value = TOKEN.sub("<token>", value)
        value = GROUP_ID.sub(lambda found: self._number("group", found.group()), value)
        value = MESSAGE_ID.sub(lambda found: self._number("message", found.group()), value)
        value = RECEIPT.sub(lambda found: f"receipt {self._number('receipt', found[1])}", value)
        value = ISO_TIME.sub("<time>", value)
        value = LINK.sub("<link>", value)
        return "<picture>" if LONG_BASE64.match(value) else value

    def value(self, value: Any, key: str = "") -> Any:
        """A JSON value without this run's ids and times."""
        if isinstance(value, dict):
            return {self.text(name): self.value(inner, name) for name, inner in value.items()}
        if isinstance(value, list):
            return [self.value(inner, key) for inner in value]
        if isinstance(value, str):
            if key == "path":  # of a refusal; we mask the token there as everywhere
                value = value.replace("/***", "/<token>")
            return "<code>" if key == "code" and re.fullmatch(r"[A-Z0-9-]{8,9}", value) else self.text(value)
        if isinstance(value, bool) or value is None:
            return value
        return self._plain(value, key)

    def _plain(self, value: float, key: str) -> Any:
        if key == "receiptId":
            return self._number("receipt", str(value))
        if (key in TIMES and value > 1_000_000_000) or key == SECONDS_LEFT:
            return "<time>"
        shown = self.text(str(value))
        if key == "idInstance" and shown == str(value):
            return self._number("instance", shown)
        return value if shown == str(value) else shown

    def exchange(self, kept: Exchange) -> dict[str, Any]:
        """One exchange."""
        target = kept.target
        request: dict[str, Any] = {"request": f"{kept.verb} {self.target(target)}"}
        content_type = kept.headers.get("content-type", "")
        request["headers"] = {
            name: self.text(re.sub(r"boundary=\S+", "boundary=…", kept.headers[name]))
            for name in HEADERS_THAT_MATTER
            if name in kept.headers
        }
        if kept.body:
            in_path = "deletenotification" in target.lower()
            request["body"] = self._body(kept.body, content_type, receipt=in_path)
        if kept.status is None:
            return {**request, "status": None}
        reply_type = kept.reply_headers.get("content-type", "").split(";")[0]
        return {**request, "status": kept.status, "type": reply_type, "reply": self._body(kept.reply, reply_type)}

    def target(self, target: str) -> str:
        """Path and query."""
        deleted = re.match(r"(?i)(.*/deletenotification/[^/]+/)(\d+)$", target)
        if deleted:
            return self.text(deleted[1]) + self._number("receipt", deleted[2])
        return self.text(target)

    def _body(self, body: bytes, content_type: str, *, receipt: bool = False) -> Any:
        if not body:
            return {"empty": True}
        if body.startswith(b"--") and (b"Content-Disposition" in body or b"content-disposition" in body):
            return {"form": self._form(body)}
        try:
            found = json.loads(body)
        except (UnicodeDecodeError, ValueError):
            pass
        else:
            return {"json": self.value(found, "receiptId" if receipt else "")}
        if content_type.startswith("text/") and b"\0" not in body:
            return {"text": self.text(body.decode("utf-8", "replace"))}
        return {"bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()[:16]}

    def _form(self, body: bytes) -> list[dict[str, Any]]:
        boundary = body[2 : body.index(b"\r\n")]
        head = b'Content-Type: multipart/form-data; boundary="' + boundary + b'"\r\n\r\n'
        parsed = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + body)
        return [self._part(part) for part in parsed.iter_parts()]

    def _part(self, part: Any) -> dict[str, Any]:
        content = part.get_payload(decode=True) or b""
        shown: dict[str, Any] = {"name": part.get_param("name", header="content-disposition")}
        if part.get_filename() is None:
            return {**shown, "value": self.text(content.decode("utf-8", "replace"))}
        kind = part["content-type"] and str(part["content-type"])
        return {**shown, "filename": part.get_filename(), "type": kind, "bytes": len(content)}

    def _number(self, kind: str, value: str) -> str:
        seen = self._numbered.setdefault(kind, {})
        return seen.setdefault(value, f"<{kind} {len(seen) + 1}>")


def compare_with_golden(name: str, direct: list[dict[str, Any]]) -> None:
    """The gateway's own run is what is kept, or it is what is kept from now on.

    Raises:
        AssertionError: it differs; the difference is in the message.
    """
    path = GOLDEN / f"{name}.json"
    if os.environ.get(REWRITE) == "1":
        path.write_text(_kept_lines(direct), encoding="utf-8")
    kept = json.loads(path.read_text(encoding="utf-8"))
    assert_same(f"kept in {path.name}", kept, "the gateway's run today", direct)


def assert_same(one_name: str, one: list[Any], other_name: str, other: list[Any]) -> None:
    """Two transcripts are the same.

    Raises:
        AssertionError: they are not; the difference is in the message.
    """
    if one == other:
        return
    lines = difflib.unified_diff(_lines(one).splitlines(), _lines(other).splitlines(), one_name, other_name, n=12)
    text = "\n".join(lines)
    raise AssertionError(text[:12_000] + ("\n… and more" if len(text) > 12_000 else ""))


def _lines(transcript: list[Any]) -> str:
    return json.dumps(transcript, indent=1, ensure_ascii=False) + "\n"


def _kept_lines(transcript: list[dict[str, Any]]) -> str:
    """JSON with a line for each step and each exchange: short, and a change shows where it is."""
    steps = []
    for step in transcript:
        head = _compact({name: value for name, value in step.items() if name != "exchanges"})
        exchanges = ",\n  ".join(_compact(exchange) for exchange in step.get("exchanges", []))
        steps.append(f'{head[:-1]}, "exchanges": [\n  {exchanges}]}}' if exchanges else head)
    return "[\n" + ",\n".join(steps) + "\n]\n"


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
