"""Calls in a gateway's own words, between the port and the wire."""

from typing import Final

from app.providers.http.wire import Answer
from app.providers.port import NativeReply

LONGEST_HEADER: Final = 255


def reply_of(answer: Answer) -> NativeReply:
    """An answer as the port tells it."""
    return NativeReply(answer.status, answer.raw, answer.content_type, answer.retry_after)


def answer_of(reply: NativeReply) -> Answer:
    """A reply as the rules of a wing judge it."""
    return Answer(reply.status, reply.body, reply.retry_after, reply.content_type)


def header_text(text: str) -> str:
    """A text that may stand in a header: no control characters."""
    return "".join(char for char in text if char.isprintable())[:LONGEST_HEADER]
