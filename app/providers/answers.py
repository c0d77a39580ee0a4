"""What a gateway answers to an `Ask`, in our words.

Ids and texts are WhatsApp's; nothing names the gateway. A field called `*_link` holds the gateway's own address of a
file: it is a secret of ours, and a face shows a link of ours in its place.
"""

from typing import Annotated, Any

from msgspec import Meta, Struct

from app.kit.wire import Timestamp

ChatId = Annotated[
    str,
    Meta(
        description="A chat: `digits@c.us` a person, `…@g.us` a group, `…@lid` a person with a hidden number.",
        examples=["79990003344@c.us"],
    ),
]
HiddenId = Annotated[
    str | None, Meta(description="The chat's id while its number is hidden, `…@lid`.", examples=["5500112233@lid"])
]
MessageId = Annotated[str, Meta(description="WhatsApp's id of a message.", examples=["BAE5F00D00000001"])]
Name = Annotated[str | None, Meta(description="The name that its owner chose.", examples=["Ann"])]
ContactName = Annotated[str | None, Meta(description="The name in the account's address book.", examples=["Ann K"])]
PictureLink = Annotated[str | None, Meta(description="Where the picture is; null when there is none or it is hidden.")]
FileLink = Annotated[
    str | None, Meta(description="Where the file is, for a limited time; null when there is none or it is too large.")
]
Direction = Annotated[str, Meta(description="`incoming` or `outgoing`.", examples=["incoming"])]
ChatKind = Annotated[str, Meta(description="`user` or `group`; later perhaps others.", examples=["user"])]
MessageKind = Annotated[
    str,
    Meta(
        description="`text`, `image`, `video`, `audio`, `document`, `sticker`, `location`, `contact`, `contacts`, "
        "`poll`, `poll_vote`, `reaction`, `edited`, `deleted`, `group_invite`, `buttons`, `button_reply`, `list`, "
        "`list_reply`, `unreadable` or `other`; later perhaps others.",
        examples=["text"],
    ),
]
MessageContent = Annotated[
    dict[str, Any], Meta(description="What it says; the fields depend on the kind.", examples=[{"text": "hi"}])
]
Progress = Annotated[
    str | None,
    Meta(
        description="How far an outgoing one came: `pending`, `sent`, `delivered`, `read` or `failed`; null when "
        "it is incoming or nothing is known.",
        examples=["read"],
    ),
]
FailureReason = Annotated[
    str | None,
    Meta(
        description="Why it failed: `rejected_by_whatsapp`, `recipient_not_on_whatsapp`, `recipient_not_in_group`, "
        "`account_limited` or `group_too_large`.",
        examples=["recipient_not_on_whatsapp"],
    ),
]
MimeType = Annotated[str | None, Meta(description="The media type of its file.", examples=["image/jpeg"])]
FileName = Annotated[str | None, Meta(description="The name of its file.", examples=["menu.pdf"])]
InviteUrl = Annotated[
    str | None,
    Meta(
        description="WhatsApp's link to join; null unless the account is an admin.",
        examples=["https://chat.whatsapp.com/AbCdEf"],
    ),
]


class Settings(Struct, frozen=True, kw_only=True):
    """How an account behaves. Null: the gateway does not tell."""

    phone: Annotated[str | None, Meta(description="The linked number, digits.", examples=["79990001122"])] = None
    send_delay_ms: Annotated[
        int | None, Meta(description="The pause between two sends, in milliseconds.", examples=[500])
    ] = None
    mark_incoming_read: Annotated[bool | None, Meta(description="Mark what comes in as read at once.")] = None
    mark_incoming_read_on_reply: Annotated[
        bool | None, Meta(description="Mark a chat as read when it is answered; goes before `mark_incoming_read`.")
    ] = None
    keep_online: Annotated[bool | None, Meta(description="Show the account as online.")] = None
    typing_speed: Annotated[
        int | None, Meta(description="How fast it seems to type before each text; 0 is off.", examples=[0])
    ] = None
    link_preview: Annotated[bool | None, Meta(description="Show previews of links, unless a send says otherwise.")] = (
        None
    )
    hidden_ids: Annotated[bool | None, Meta(description="Name people with hidden numbers by `…@lid`.")] = None


class Account(Struct, frozen=True, kw_only=True):
    """The WhatsApp account that is linked; empty when none is."""

    phone: Annotated[str | None, Meta(description="Its number, digits.", examples=["79990001122"])] = None
    chat_id: Annotated[str | None, Meta(description="Its own id as a chat.", examples=["79990001122@c.us"])] = None
    connection: Annotated[
        str,
        Meta(
            description="`starting`, `unpaired`, `connected`, `disconnected`, `blocked` or `unknown`.",
            examples=["connected"],
        ),
    ]
    device_id: Annotated[
        str | None,
        Meta(description="This link among the account's devices.", examples=["79990001122:8@s.whatsapp.net"]),
    ] = None
    picture_link: PictureLink = None
    history_progress: Annotated[
        int | None, Meta(description="How much of the history has been read after pairing, in percent.", examples=[100])
    ] = None
    suspended_until: Annotated[
        Timestamp | None, Meta(description="When WhatsApp's temporary restriction ends; null when there is none.")
    ] = None


class Device(Struct, frozen=True, kw_only=True):
    """The phone behind an account, as far as it is told."""

    platform: Annotated[str | None, Meta(examples=["android"])] = None
    manufacturer: Annotated[str | None, Meta(examples=["Acme"])] = None
    model: Annotated[str | None, Meta(examples=["A1"])] = None
    os_version: Annotated[str | None, Meta(examples=["13"])] = None
    app_version: Annotated[str | None, Meta(examples=["2.25.1"])] = None
    battery: Annotated[int | None, Meta(description="In percent.", examples=[80])] = None


class LinkRecord(Struct, frozen=True, kw_only=True):
    """A moment at which an account's link changed."""

    connection: Annotated[str, Meta(description="The new state, as in an account.", examples=["connected"])]
    phone: Annotated[str | None, Meta(description="The number concerned, digits.", examples=["79990001122"])] = None
    at: Timestamp | None = None


class Picture(Struct, frozen=True, kw_only=True):
    """A picture that was set."""

    picture_link: PictureLink = None


class Avatar(Struct, frozen=True, kw_only=True):
    """The picture of a chat."""

    chat_id: ChatId
    picture_link: PictureLink = None


class Chat(Struct, frozen=True, kw_only=True):
    """A chat of the account."""

    chat_id: ChatId
    kind: ChatKind
    name: Name = None
    is_archived: bool = False
    disappearing_seconds: Annotated[
        int, Meta(description="After how long messages disappear; 0 is never.", examples=[86400])
    ] = 0
    unread: Annotated[int | None, Meta(description="Messages not read yet; null when not told.", examples=[2])] = None
    hidden_id: HiddenId = None


class Contact(Struct, frozen=True, kw_only=True):
    """A person or a group that the account knows."""

    chat_id: ChatId
    kind: ChatKind
    name: Name = None
    contact_name: ContactName = None
    hidden_id: HiddenId = None


class Product(Struct, frozen=True, kw_only=True):
    """Something that a business shows in its catalogue."""

    id: str
    name: str | None = None
    description: str | None = None
    price: Annotated[str | None, Meta(description="As the business wrote it.", examples=["1200"])] = None
    availability: Annotated[str | None, Meta(examples=["in stock"])] = None
    is_hidden: bool = False
    picture_link: PictureLink = None


class ContactInfo(Struct, frozen=True, kw_only=True):
    """What is known about one person or business."""

    chat_id: ChatId
    name: Name = None
    contact_name: ContactName = None
    is_business: bool = False
    email: Annotated[str | None, Meta(description="Of a business.", examples=["shop@example.com"])] = None
    category: Annotated[str | None, Meta(description="Of a business.", examples=["Restaurant"])] = None
    description: Annotated[str | None, Meta(description="What it says about itself.")] = None
    products: list[Product] = []
    last_seen_at: Timestamp | None = None
    is_archived: bool = False
    is_muted: bool = False
    muted_until: Timestamp | None = None
    disappearing_seconds: Annotated[
        int, Meta(description="After how long messages disappear; 0 is never.", examples=[0])
    ] = 0
    picture_link: PictureLink = None


class NumberCheck(Struct, frozen=True, kw_only=True):
    """Whether somebody has WhatsApp."""

    exists: Annotated[bool, Meta(description="Whether there is an account.", examples=[True])]
    chat_id: Annotated[
        str | None, Meta(description="The id to write to, when told.", examples=["79990003344@c.us"])
    ] = None
    phone: Annotated[str | None, Meta(description="The number, digits, when told.", examples=["79990003344"])] = None
    username: Annotated[str | None, Meta(description="The account's user name, when it has one.")] = None
    from_cache: Annotated[bool | None, Meta(description="Whether an earlier answer was repeated.")] = None


class Message(Struct, frozen=True, kw_only=True):
    """A message as the account's journal has it. The journal may lag by two minutes."""

    message_id: MessageId
    chat_id: ChatId
    direction: Direction
    kind: MessageKind
    content: MessageContent
    sender: Annotated[str | None, Meta(description="Who wrote it, when incoming.", examples=["79990003344@c.us"])] = (
        None
    )
    sender_name: Name = None
    sender_contact_name: ContactName = None
    status: Progress = None
    reason: FailureReason = None
    by_api: Annotated[bool | None, Meta(description="Sent by a call and not typed on the phone.")] = None
    is_edited: bool = False
    is_deleted: bool = False
    is_forwarded: bool = False
    file_link: FileLink = None
    at: Timestamp | None = None


class Call(Struct, frozen=True, kw_only=True):
    """A call as the account's journal has it."""

    call_id: Annotated[str, Meta(examples=["CA11000000000001"])]
    chat_id: ChatId
    direction: Direction
    status: Annotated[
        str,
        Meta(description="`ringing`, `answered`, `ended`, `declined`, `missed` or `unknown`.", examples=["answered"]),
    ]
    is_video: bool = False
    duration_seconds: Annotated[int, Meta(examples=[12])] = 0
    at: Timestamp | None = None


class StoredFile(Struct, frozen=True, kw_only=True):
    """The file of a message, fresh."""

    file_link: FileLink = None


class Disappearing(Struct, frozen=True, kw_only=True):
    """How long messages of a chat live."""

    chat_id: ChatId
    seconds: Annotated[int, Meta(description="0 is forever.", examples=[86400])]


class Edited(Struct, frozen=True, kw_only=True):
    """An edit that the gateway has taken."""

    message_id: Annotated[str, Meta(description="The id of the edit itself.", examples=["BAE5F00D00000030"])]


class CreatedGroup(Struct, frozen=True, kw_only=True):
    """A group that was made."""

    group_id: ChatId
    invite_url: InviteUrl = None


class Participant(Struct, frozen=True, kw_only=True):
    """A member of a group."""

    chat_id: ChatId
    is_admin: bool = False
    is_owner: bool = False


class Group(Struct, frozen=True, kw_only=True):
    """A group that the account is in."""

    group_id: ChatId
    name: Annotated[str, Meta(examples=["crew"])]
    owner: Annotated[str | None, Meta(description="Who made it.", examples=["79990001122@c.us"])] = None
    participants: list[Participant] = []
    invite_url: InviteUrl = None
    members_may_edit: Annotated[bool | None, Meta(description="Whether members may change name and picture.")] = None
    members_may_send: Annotated[bool | None, Meta(description="Whether members may write.")] = None
    created_at: Timestamp | None = None
    renamed_at: Timestamp | None = None
    renamed_by: Annotated[str | None, Meta(examples=["79990001122@c.us"])] = None


class Posted(Struct, frozen=True, kw_only=True):
    """A status that the gateway has taken."""

    message_id: MessageId


class StatusView(Struct, frozen=True, kw_only=True):
    """How far a status came with one person."""

    chat_id: ChatId
    status: Annotated[str, Meta(description="`sent`, `delivered` or `read`.", examples=["read"])]
    at: Timestamp | None = None


class Status(Struct, frozen=True, kw_only=True):
    """A status (story), of the account or of a contact."""

    message_id: MessageId
    chat_id: ChatId
    direction: Direction
    kind: Annotated[str, Meta(description="`text`, `image`, `video` or `audio`.", examples=["text"])]
    text: Annotated[str | None, Meta(examples=["good day"])] = None
    caption: str | None = None
    background: Annotated[str | None, Meta(description="#RRGGBB.", examples=["#223344"])] = None
    font: Annotated[str | None, Meta(examples=["SERIF"])] = None
    file_name: FileName = None
    mime_type: MimeType = None
    file_link: FileLink = None
    sender: Annotated[str | None, Meta(examples=["79990003344@c.us"])] = None
    sender_name: Name = None
    audience: Annotated[list[str], Meta(description="Who may see it; empty is everybody.")] = []
    progress: Progress = None
    at: Timestamp | None = None


class Queued(Struct, frozen=True, kw_only=True):
    """A message that waits to be sent."""

    message_ids: Annotated[list[str], Meta(description="One, or all of a forward.", examples=[["BAE5F00D00000001"]])]
    chat_id: ChatId
    kind: Annotated[
        str,
        Meta(
            description="`text`, `file`, `location`, `contact`, `poll`, `buttons`, `forward`, `list`, `status`, "
            "`typing` or `other`.",
            examples=["text"],
        ),
    ]
    content: MessageContent
    file_link: FileLink = None


class Count(Struct, frozen=True, kw_only=True):
    """How many there are; the gateway counts every ten seconds."""

    count: Annotated[int, Meta(ge=0, examples=[3])]
