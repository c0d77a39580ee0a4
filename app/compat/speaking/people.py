"""What is told of the account, of chats, people and groups, as GREEN-API tells it."""

from typing import Any

from app.lines.words.values import STATES, seconds, wid, word
from app.providers.answers import (
    Account,
    Chat,
    Contact,
    ContactInfo,
    Device,
    Group,
    LinkRecord,
    NumberCheck,
    Participant,
    Product,
    Settings,
)

OWN = ("outgoingWebhook", "outgoingMessageWebhook", "outgoingAPIMessageWebhook", "incomingWebhook", "deviceWebhook")
OWN_TOO = ("pollMessageWebhook", "incomingBlockWebhook", "incomingCallWebhook", "outgoingCallWebhook")
OWN_LAST = ("editedMessageWebhook", "deletedMessageWebhook")
LEAST_DELAY_MS = 500
DEVICE = ("platform", "manufacturer", "model", "os_version", "app_version")
DEVICE_WORDS = ("platform", "deviceManufacturer", "deviceModel", "osVersion", "waVersion")


def settings(found: Settings) -> dict[str, Any]:
    """All settings; where notifications go and which is ours to fill in. What is not told has its default."""
    return {
        "wid": wid(found.phone),
        **dict.fromkeys(("countryInstance", "typeAccount", "webhookUrl", "webhookUrlToken", "proxyInstance"), ""),
        "delaySendMessagesMilliseconds": LEAST_DELAY_MS if found.send_delay_ms is None else found.send_delay_ms,
        "markIncomingMessagesReaded": word(found.mark_incoming_read),
        "markIncomingMessagesReadedOnReply": word(found.mark_incoming_read_on_reply),
        "sharedSession": "no",
        **dict.fromkeys((*OWN, "statusInstanceWebhook", "stateWebhook", "enableMessagesHistory"), "no"),
        "keepOnlineStatus": word(found.keep_online),
        **dict.fromkeys((*OWN_TOO, *OWN_LAST), "no"),
        "linkPreview": word(found.link_preview),
        "enableLidMode": word(found.hidden_ids),
        "autoTyping": found.typing_speed or 0,
    }


def account(found: Account) -> dict[str, Any]:
    """Who is linked; empty texts when nobody is."""
    told: dict[str, Any] = {
        "avatar": found.picture_link or "",
        "phone": found.phone or "",
        "stateInstance": STATES.get(found.connection, "starting"),
        "deviceId": found.device_id or "",
        "chatId": found.chat_id or "",
        "base64Avatar": "",
        "historySyncProgress": found.history_progress or 0,
        "logoutProcess": False,
    }
    return told if found.suspended_until is None else {**told, "suspendedUntil": seconds(found.suspended_until)}


def device(found: Device) -> dict[str, Any]:
    """The phone."""
    told = {theirs: getattr(found, ours) or "" for ours, theirs in zip(DEVICE, DEVICE_WORDS, strict=True)}
    return {**told, "battery": found.battery or 0}


def record(row: LinkRecord) -> dict[str, Any]:
    """A change of the link."""
    state = STATES.get(row.connection, "starting")
    return {"stateInstance": state, "timestamp": seconds(row.at), "phoneNumber": wid(row.phone)}


def chat(row: Chat) -> dict[str, Any]:
    """A chat of the list; when it was told to forget is not known."""
    told: dict[str, Any] = {
        "archive": row.is_archived,
        "id": row.chat_id,
        "ephemeralExpiration": row.disappearing_seconds,
        "ephemeralSettingTimestamp": 0,
        "name": row.name or "",
        "type": row.kind,
    }
    told |= {} if row.unread is None else {"unreadCount": row.unread}
    return told | _hidden(row.hidden_id)


def contact(row: Contact) -> dict[str, Any]:
    """A contact of the list; groups have no name in the address book."""
    told = {"id": row.chat_id, "name": row.name or ""}
    told |= {} if row.kind == "group" else {"contactName": row.contact_name or ""}
    return told | {"type": row.kind} | _hidden(row.hidden_id)


def contact_info(found: ContactInfo) -> dict[str, Any]:
    """All about a person."""
    return {
        "avatar": found.picture_link or "",
        "name": found.name or "",
        "contactName": found.contact_name or "",
        "email": found.email or "",
        "category": found.category or "",
        "description": found.description or "",
        "products": [_product(product) for product in found.products],
        "chatId": found.chat_id,
        "lastSeen": found.last_seen_at,
        "isArchive": found.is_archived,
        "isDisappearing": found.disappearing_seconds > 0,
        "isMute": found.is_muted,
        "messageExpiration": found.disappearing_seconds,
        "muteExpiration": None if found.muted_until is None else seconds(found.muted_until),
        "isBusiness": found.is_business,
    }


def number_check(found: NumberCheck) -> dict[str, Any]:
    """Whether somebody has WhatsApp."""
    chat_id = (found.chat_id or "") if found.exists else ""
    told: dict[str, Any] = {"existsWhatsapp": found.exists, "chatId": chat_id, "fromCache": found.from_cache is True}
    told |= {} if found.username is None else {"username": found.username}
    phone = found.phone or ""
    return {**told, "phoneNumber": int(phone)} if phone.isascii() and phone.isdecimal() else told


def group(found: Group) -> dict[str, Any]:
    """A group with its members."""
    told: dict[str, Any] = {
        "groupId": found.group_id,
        "owner": found.owner or "",
        "subject": found.name,
        "creation": seconds(found.created_at),
        "participants": [_participant(each) for each in found.participants],
        "subjectTime": seconds(found.renamed_at),
        "subjectOwner": found.renamed_by or "",
        "groupInviteLink": found.invite_url or "",
    }
    rules = {
        "allowParticipantsEditGroupSettings": found.members_may_edit,
        "allowParticipantsSendMessages": found.members_may_send,
    }
    return told | {name: value for name, value in rules.items() if value is not None}


def _participant(each: Participant) -> dict[str, Any]:
    return {"id": each.chat_id, "isAdmin": each.is_admin or each.is_owner, "isSuperAdmin": each.is_owner}


def _product(product: Product) -> dict[str, Any]:
    link = product.picture_link or ""
    return {
        "id": product.id,
        "imageUrls": {"requested": link, "original": link},
        "reviewStatus": {"whatsapp": ""},
        "availability": product.availability or "",
        "name": product.name or "",
        "description": product.description or "",
        "price": product.price,
        "isHidden": product.is_hidden,
    }


def _hidden(hidden_id: str | None) -> dict[str, str]:
    return {"newChatId": hidden_id} if hidden_id else {}
