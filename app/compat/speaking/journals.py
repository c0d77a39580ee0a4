"""Rows of journals, statuses and the queue, as GREEN-API tells them."""

from typing import Any, Final

from app.lines.words import contents
from app.lines.words.values import CALLS, progress, seconds
from app.providers.answers import Call, Message, Queued, Status, StatusView

QUEUED_FILE: Final = "sendFileByUrl"
STATUS_KINDS: Final = {"image": "imageMessage", "video": "videoMessage", "audio": "audioMessage"}


def message(row: Message) -> dict[str, Any]:
    """A message of a journal."""
    is_own = row.direction == "outgoing"
    link = row.file_link or ""
    data = contents.data_of(row.kind, row.content, link=link, by_api=row.by_api is True, own=is_own)
    kind, about = data["typeMessage"], _about(row, data)
    told: dict[str, Any] = {
        "type": row.direction,
        "idMessage": row.message_id,
        "timestamp": seconds(row.at),
        "typeMessage": kind,
        "chatId": row.chat_id,
        **contents.flat(data),
    }
    if row.is_forwarded:
        told |= {"isForwarded": True, "forwardingScore": 1}
    if is_own:
        told |= {"statusMessage": progress(row.status or "sent", row.reason), "sendByApi": row.by_api is True}
    else:
        told |= {
            "senderId": row.sender or row.chat_id,
            "senderName": row.sender_name or "",
            "senderContactName": row.sender_contact_name or "",
        }
    return {
        **told,
        "deletedMessageId": about if kind == "deletedMessage" else "",
        "editedMessageId": about if kind == "editedMessage" else "",
        "isEdited": row.is_edited,
        "isDeleted": row.is_deleted,
    }


def call(row: Call) -> dict[str, Any]:
    """A call of a journal."""
    return {
        "type": row.direction,
        "idMessage": row.call_id,
        "timestamp": seconds(row.at),
        "typeMessage": f"{row.direction}Call",
        "chatId": row.chat_id,
        "duration": row.duration_seconds,
        "isVideo": row.is_video,
        "status": CALLS.get(row.status, "invalid"),
    }


def status(row: Status) -> dict[str, Any]:
    """A status (story) of a list."""
    is_own = row.direction == "outgoing"
    told: dict[str, Any] = {
        "type": row.direction,
        "idMessage": row.message_id,
        "timestamp": seconds(row.at),
        "typeMessage": STATUS_KINDS.get(row.kind, "extendedTextMessage"),
        "chatId": row.sender or row.chat_id,
        **(_status_file(row) if row.kind in STATUS_KINDS else _status_text(row, is_own=is_own)),
    }
    if not is_own:
        names = {"senderName": row.sender_name or "", "senderContactName": ""}
        return {**told, "senderId": row.sender or row.chat_id, **names}
    if row.kind in STATUS_KINDS:
        told["participants"] = row.audience
    return {**told, "statusMessage": progress(row.progress or "sent", None), "sendByApi": True}


def view(row: StatusView) -> dict[str, Any]:
    """How far a status came with somebody."""
    return {"timestamp": seconds(row.at), "participant": row.chat_id, "status": row.status}


def queued(row: Queued) -> dict[str, Any]:
    """A message that waits, as the request that put it there."""
    if row.kind == "forward":
        body = {"chatIdFrom": row.content.get("from_chat_id", ""), "messages": row.content.get("message_ids", [])}
        return {"messagesIDs": row.message_ids, "type": "ForwardMessages", "body": {"chatId": row.chat_id, **body}}
    method, body = _request(row)
    return {"messageID": row.message_ids[0], "type": method, "body": {"chatId": row.chat_id, **body}}


def _about(row: Message, data: dict[str, Any]) -> str:
    found = data.get("editedMessageData") or data.get("deletedMessageData") or {}
    return str(found.get("stanzaId", ""))


def _status_text(row: Status, *, is_own: bool) -> dict[str, Any]:
    text = row.text or ""
    look: dict[str, Any] = {"text": text, "backgroundColor": row.background or "", "font": row.font or ""}
    if is_own:
        look["participants"] = row.audience
    return {"textMessage": text, "extendedTextMessage": look}


def _status_file(row: Status) -> dict[str, Any]:
    told = {
        "downloadUrl": row.file_link or "",
        "caption": row.caption or "",
        "fileName": row.file_name or "",
        "jpegThumbnail": "",
        "mimeType": row.mime_type or "",
    }
    return {**told, "backgroundColor": row.background} if row.background else told


def _request(row: Queued) -> tuple[str, dict[str, Any]]:
    said = row.content
    if row.kind == "text":
        return "sendMessage", {"message": said.get("text", ""), "linkPreview": True}
    if row.kind == "location":
        place = {name: said.get(name, 0) for name in ("latitude", "longitude")}
        return "sendLocation", {**place, **_named(said, nameLocation="name", address="address")}
    if row.kind == "contact":
        phone = str(said.get("phone") or "0")
        number: int | str = int(phone) if phone.isascii() and phone.isdecimal() else phone
        return "sendContact", {"contact": {"phoneContact": number, **_named(said, firstName="name")}}
    if row.kind == "poll":
        options = [{"optionName": each} for each in said.get("options", [])]
        asked = {"message": said.get("question", ""), "options": options}
        return "sendPoll", {**asked, "multipleAnswers": said.get("multiple") is True}
    if row.kind == "buttons":
        return _buttons(said)
    if row.file_link or row.kind in ("file", *contents.FILES):
        file = {"urlFile": row.file_link or "", **_named(said, fileName="file_name", caption="caption")}
        return QUEUED_FILE, file
    return {"typing": "sendTyping", "status": "sendTextStatus"}.get(row.kind, "sendMessage"), {}


def _buttons(said: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    data = contents.data_of("buttons", said)
    is_reply = data["typeMessage"] == "interactiveButtonsReply"
    shown = data[data["typeMessage"]]["buttons"]
    if is_reply:
        shown = [{name: text for name, text in each.items() if name != "type"} for each in shown]
    frame = _named(said, header="title", body="text", footer="footer")
    return "sendInteractiveButtonsReply" if is_reply else "sendInteractiveButtons", {**frame, "buttons": shown}


def _named(said: dict[str, Any], **names: str) -> dict[str, Any]:
    return {theirs: said[ours] for theirs, ours in names.items() if said.get(ours)}
