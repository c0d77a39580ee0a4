"""What an account is and how it behaves, as its tenant sees it."""

from typing import Final

from app.providers import asks
from app.providers.answers import Account, Device, LinkRecord, Picture, Settings
from app.providers.green_api.account import link_of
from app.providers.green_api.client import Client
from app.providers.green_api.journal import link_in
from app.providers.http import multipart
from app.providers.port import Credentials
from app.providers.reading import flag_in, number_in, object_of, phone_of, rows_of, text_in, told_at

WORDS: Final = {True: "yes", False: "no", None: None}


async def read_settings(client: Client, credentials: Credentials, _: asks.ReadSettings) -> Settings:
    """Where notifications go is not told: that is between us and the gateway. Source: GetSettings page."""
    value = object_of(await client.get(credentials, "getSettings"))
    return Settings(
        phone=phone_of(text_in(value, "wid")),
        send_delay_ms=number_in(value, "delaySendMessagesMilliseconds"),
        mark_incoming_read=flag_in(value, "markIncomingMessagesReaded"),
        mark_incoming_read_on_reply=flag_in(value, "markIncomingMessagesReadedOnReply"),
        keep_online=flag_in(value, "keepOnlineStatus"),
        typing_speed=number_in(value, "autoTyping"),
        link_preview=flag_in(value, "linkPreview"),
        hidden_ids=flag_in(value, "enableLidMode"),
    )


async def write_settings(client: Client, credentials: Credentials, ask: asks.WriteSettings) -> None:
    """Keys that are not sent keep their value; the account restarts. Source: SetSettings page."""
    await client.post(
        credentials,
        "setSettings",
        delaySendMessagesMilliseconds=ask.send_delay_ms,
        markIncomingMessagesReaded=WORDS[ask.mark_incoming_read],
        markIncomingMessagesReadedOnReply=WORDS[ask.mark_incoming_read_on_reply],
        keepOnlineStatus=WORDS[ask.keep_online],
        autoTyping=ask.typing_speed,
        linkPreview=WORDS[ask.link_preview],
        enableLidMode=WORDS[ask.hidden_ids],
    )


async def read_account(client: Client, credentials: Credentials, _: asks.ReadAccount) -> Account:
    """Empty unless a phone is linked; the number is a text or a number. Source: GetWaSettings page."""
    value = object_of(await client.get(credentials, "getWaSettings"))
    phone = phone_of(text_in(value, "phone"))
    return Account(
        phone=phone,
        chat_id=text_in(value, "chatId") or (None if phone is None else f"{phone}@c.us"),
        connection=link_of(text_in(value, "stateInstance")).value,
        device_id=text_in(value, "deviceId") or None,
        picture_link=link_in(value, "avatar"),
        history_progress=number_in(value, "historySyncProgress"),
        suspended_until=told_at(value.get("suspendedUntil")),
    )


async def read_device(client: Client, credentials: Credentials, _: asks.ReadDevice) -> Device:
    """Deprecated upstream, still answered. Source: GetDeviceInfo page."""
    value = object_of(await client.get(credentials, "getDeviceInfo"))
    return Device(
        platform=text_in(value, "platform") or None,
        manufacturer=text_in(value, "deviceManufacturer") or None,
        model=text_in(value, "deviceModel") or None,
        os_version=text_in(value, "osVersion") or None,
        app_version=text_in(value, "waVersion") or None,
        battery=number_in(value, "battery"),
    )


async def history(client: Client, credentials: Credentials, ask: asks.StateHistory) -> list[LinkRecord]:
    """Newest first, as the page's example shows. Source: GetStateInstanceHistory page."""
    return [
        LinkRecord(
            connection=link_of(text_in(row, "stateInstance")).value,
            phone=phone_of(text_in(row, "phoneNumber")),
            at=told_at(row.get("timestamp")),
        )
        for row in rows_of(await client.get(credentials, "getStateInstanceHistory", count=ask.count))
    ]


async def set_picture(client: Client, credentials: Credentials, ask: asks.SetProfilePicture) -> Picture:
    """A JPEG, once in ten seconds; a no comes inside 200. Source: SetProfilePicture page."""
    value = await client.streamed(credentials, "setProfilePicture", multipart.form(ask.upload), {})
    return Picture(picture_link=link_in(value, "urlAvatar"))
