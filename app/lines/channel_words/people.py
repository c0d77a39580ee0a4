"""Chats, contacts, groups and the channel itself in Whapi's shapes."""

from typing import Any

from app.lines.channel_words import values
from app.providers import answers


def chat(row: answers.Chat) -> dict[str, Any]:
    """A chat; what its last message was is not told."""
    told: dict[str, Any] = {"id": values.chat(row.chat_id), "type": values.chat_type(row.chat_id)}
    if row.name:
        told["name"] = row.name
    told["archive"] = row.is_archived
    if row.unread is not None:
        told["unread"] = row.unread
    return told


def contact(row: answers.Contact | answers.ContactInfo, *, picture: str = "") -> dict[str, Any]:
    """A person; `name` is that of the address book, or the one its owner chose. `picture` is our link to it."""
    known = row.contact_name or row.name or ""
    told: dict[str, Any] = {"id": values.person(row.chat_id), "name": known, "saved": bool(row.contact_name)}
    if row.name:
        told["pushname"] = row.name
    if isinstance(row, answers.ContactInfo):
        told["is_business"] = row.is_business
    if picture:
        told["profile_pic"] = picture
    return told


def group(row: answers.Group) -> dict[str, Any]:
    """A group and who is in it."""
    participants = [
        {"id": values.person(member.chat_id), "rank": _rank(member, row.owner)} for member in row.participants
    ]
    told: dict[str, Any] = {
        "id": row.group_id,
        "name": row.name,
        "type": "group",
        "participants_count": len(participants),
        "participants": participants,
    }
    if row.created_at is not None:
        told["created_at"] = values.seconds(row.created_at)
    if row.owner:
        told["created_by"] = values.person(row.owner)
    if row.renamed_at is not None:
        told["name_at"] = values.seconds(row.renamed_at)
    if row.members_may_edit is not None:
        told["restricted"] = not row.members_may_edit
    if row.members_may_send is not None:
        told["announcements"] = not row.members_may_send
    if row.invite_url:
        told["invite_code"] = row.invite_url.rstrip("/").rpartition("/")[2]
    return told


def user(phone: str | None, name: str | None = None) -> dict[str, Any]:
    """The person whose phone is linked; empty digits when it is not known who that was."""
    return {"id": phone or "", "name": name or ""}


def health(
    link: str, *, number: int, phone: str | None = None, name: str | None = None, since: int, now: int
) -> dict[str, Any]:
    """The channel's health of a `port.Link`; `since` and `now` in seconds, `phone` digits when one is linked."""
    text = values.STATES.get(link, "LAUNCH")
    told: dict[str, Any] = {
        "channel_id": values.channel_id(number),
        "start_at": since,
        "uptime": max(0, now - since),
        "status": {"code": values.STATE_CODES[text], "text": text},
    }
    if phone and text == "AUTH":
        told["user"] = user(phone, name)
    return told


def _rank(member: answers.Participant, owner: str | None) -> str:
    if member.is_owner or (owner is not None and member.chat_id == owner):
        return "creator"
    return "admin" if member.is_admin else "member"
