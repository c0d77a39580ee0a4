"""A message in Whapi's shape, wherever it was told: by a notice, by a journal, by the answer to a send."""

from dataclasses import dataclass, field
from typing import Any

from app.lines.channel_words import contents, values
from app.providers import answers

ACTIONS = frozenset({"action", "poll_update"})


@dataclass(frozen=True)
class Spoken:
    """What is known of a message, in our words; `link` is our link to its file, `sender` our id of its author.

    `by_api`: a call sent it; None when that is not told. `at` is in seconds since 1970.
    """

    message_id: str
    chat_id: str
    kind: str
    content: dict[str, Any] = field(default_factory=dict)
    own: bool = False
    sender: str = ""
    sender_name: str | None = None
    by_api: bool | None = None
    at: int = 0
    status: str | None = None
    link: str = ""
    is_forwarded: bool = False


def message(said: Spoken) -> dict[str, Any]:
    """The message object of lists, answers and webhooks."""
    file = {"id": values.media_id(said.kind, said.chat_id, said.message_id)}
    if said.link:
        file["link"] = said.link
    type_, name, about = contents.write(said.kind, said.content, file=file)
    return _framed(said, type_) | {name: about} | _around(said, type_)


def action(said: Spoken, about: dict[str, Any]) -> dict[str, Any]:
    """A change of another message, which is a message of its own; `said` tells who did it and where."""
    return _framed(said, "action") | {"action": about}


def of_journal(row: answers.Message, own: str, *, link: str = "") -> dict[str, Any]:
    """A message of the account's journal; `own` is the account's own id, `link` our link to the file."""
    is_own = row.direction == "outgoing"
    return message(
        Spoken(
            message_id=row.message_id,
            chat_id=row.chat_id,
            kind=row.kind,
            content=row.content,
            own=is_own,
            sender=own if is_own else row.sender or row.chat_id,
            sender_name=row.sender_name or row.sender_contact_name,
            by_api=row.by_api,
            at=values.seconds(row.at),
            status=row.status,
            link=link,
            is_forwarded=row.is_forwarded,
        )
    )


def sent(said: Spoken) -> dict[str, Any]:
    """The answer to a send that was taken."""
    return {"sent": True, "message": message(said)}


def status(message_id: str, chat_id: str, progress: str, at: int, *, reason: str | None = None) -> dict[str, Any]:
    """How far an own message came; the moment is a text, as upstream has it."""
    told: dict[str, Any] = {
        "id": message_id,
        "code": values.PROGRESS_CODES.get(progress, 0),
        "status": progress,
        "recipient_id": values.chat(chat_id),
        "timestamp": str(at),
    }
    if progress == "failed":
        text = values.REASONS.get(reason or "", "the message could not be delivered")
        told["errors"] = [{"code": values.UNDELIVERABLE, "message": text, "details": reason or ""}]
    return told


def _framed(said: Spoken, type_: str) -> dict[str, Any]:
    told: dict[str, Any] = {
        "id": said.message_id,
        "from_me": said.own,
        "type": type_,
        "chat_id": values.chat(said.chat_id),
        "timestamp": said.at,
        "source": "api" if said.own and said.by_api else "mobile",
        "from": values.person(said.sender),
    }
    if said.sender_name:
        told["from_name"] = said.sender_name
    if said.own and said.status:
        told["status"] = said.status
    return told


def _around(said: Spoken, type_: str) -> dict[str, Any]:
    found = {} if type_ in ACTIONS else contents.context(said.content, forwarded=said.is_forwarded)
    return {"context": found} if found else {}
