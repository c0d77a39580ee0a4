"""The account behind an instance, its queue and its calls."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from app.providers import answers


class SettingsView(answers.Settings, frozen=True, kw_only=True):
    """How the account behaves. Null: the gateway does not tell."""

    object: Annotated[str, Meta(extra_json_schema={"const": "settings"})] = "settings"


class SettingsChange(Struct, forbid_unknown_fields=True):
    """A merge patch: what is left out stays."""

    send_delay_ms: (
        Annotated[int, Meta(ge=500, le=600_000, description="The pause between two sends.", examples=[1000])]
        | UnsetType
    ) = UNSET
    mark_incoming_read: Annotated[bool, Meta(description="Mark what comes in as read at once.")] | UnsetType = UNSET
    mark_incoming_read_on_reply: (
        Annotated[bool, Meta(description="Mark a chat as read when it is answered.")] | UnsetType
    ) = UNSET
    keep_online: Annotated[bool, Meta(description="Show the account as online.")] | UnsetType = UNSET
    typing_speed: (
        Annotated[int, Meta(ge=0, le=4, description="How fast it seems to type before each text; 0 is off.")]
        | UnsetType
    ) = UNSET
    link_preview: Annotated[bool, Meta(description="Show previews of links.")] | UnsetType = UNSET
    hidden_ids: Annotated[bool, Meta(description="Name people with hidden numbers by `…@lid`.")] | UnsetType = UNSET


class AccountProfile(answers.Account, frozen=True, kw_only=True):
    """The WhatsApp account that is linked."""

    object: Annotated[str, Meta(extra_json_schema={"const": "account"})] = "account"


class AccountPicture(answers.Picture, frozen=True, kw_only=True):
    """The account's own picture."""

    object: Annotated[str, Meta(extra_json_schema={"const": "account_picture"})] = "account_picture"


class DeviceView(answers.Device, frozen=True, kw_only=True):
    """The phone behind the account."""

    object: Annotated[str, Meta(extra_json_schema={"const": "device"})] = "device"


class LinkHistory(Struct):
    """Moments at which the link changed, newest first."""

    data: list[answers.LinkRecord]
    object: Annotated[str, Meta(extra_json_schema={"const": "list"})] = "list"


class QueuedView(answers.Queued, frozen=True, kw_only=True):
    """A message that waits to be sent."""

    object: Annotated[str, Meta(extra_json_schema={"const": "queued_message"})] = "queued_message"


class QueueList(Struct):
    """What waits to be sent, in its order."""

    data: list[QueuedView]
    object: Annotated[str, Meta(extra_json_schema={"const": "list"})] = "list"


class QueueCount(answers.Count, frozen=True, kw_only=True):
    """How much waits to be sent."""

    object: Annotated[str, Meta(extra_json_schema={"const": "queue_count"})] = "queue_count"


class CallView(answers.Call, frozen=True, kw_only=True):
    """A call that came in or went out."""

    object: Annotated[str, Meta(extra_json_schema={"const": "call"})] = "call"


class CallList(Struct):
    """Calls, newest first."""

    data: list[CallView]
    object: Annotated[str, Meta(extra_json_schema={"const": "list"})] = "list"
