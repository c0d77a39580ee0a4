"""What a caller sends."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from app.gateway.recipients import CHAT
from app.kit import ids
from app.kit.wire import LINE, PROSE, TITLE, Reference, Url
from app.messages.view import MessageId

TYPES = (
    "text",
    "image",
    "video",
    "audio",
    "document",
    "location",
    "contact",
    "poll",
    "buttons",
    "reply_buttons",
    "forward",
)
RECIPIENT = rf"^(\+[1-9][0-9]{{6,14}}|{CHAT.pattern})$"


def _text(most: int, description: str, example: str, *, least: int = 1, pattern: str = LINE) -> Meta:
    return Meta(
        min_length=least,
        max_length=most,
        pattern=pattern,
        description=description,
        examples=[example] if example else [],
    )


Recipient = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=64,
        description="A phone number in E.164, or a chat id that ends in @c.us, @g.us or @lid.",
        examples=["+79990001122"],
        extra_json_schema={"pattern": RECIPIENT},
    ),
]
Body = Annotated[
    str,
    _text(
        20_000,
        "1 to 20,000 characters; line feeds and tabs are the only control characters.",
        "Your tulips are on their way",
        pattern=PROSE,
    ),
]
Caption = Annotated[str, _text(1024, "At most 1,024 characters.", "The receipt", least=0, pattern=PROSE)]
FileName = Annotated[
    str, _text(255, "The file's name with its extension, by which it is shown.", "receipt.pdf", pattern=TITLE)
]
Short = Annotated[str, _text(255, "At most 255 characters.", "", least=0)]
Header = Annotated[str, _text(60, "At most 60 characters.", "Tulips", least=0)]
ButtonId = Annotated[str, _text(256, "Comes back when it is pressed.", "yes", pattern=TITLE)]
ButtonText = Annotated[str, _text(25, "At most 25 characters.", "Yes", pattern=TITLE)]
Digits = Annotated[
    str, Meta(min_length=7, max_length=16, pattern=r"^\+[1-9][0-9]{6,14}$(?!\n)", examples=["+79990001122"])
]
UploadId = Annotated[str, Meta(pattern=ids.pattern(ids.UPLOAD), examples=["upl_01m7zq0f5tf3m8a4h2c6k9w1ye"])]


class TextContent(Struct, forbid_unknown_fields=True):
    """The text to send."""

    body: Body
    link_preview: bool | UnsetType = UNSET


class MediaContent(Struct, forbid_unknown_fields=True):
    """A file: where it can be fetched, or an upload of this instance."""

    url: Url | UnsetType = UNSET
    upload_id: UploadId | UnsetType = UNSET
    filename: FileName | UnsetType = UNSET
    caption: Caption | UnsetType = UNSET


class LocationContent(Struct, forbid_unknown_fields=True):
    """A place."""

    latitude: Annotated[float, Meta(ge=-90, le=90, description="Degrees.", examples=[55.7558])]
    longitude: Annotated[float, Meta(ge=-180, le=180, description="Degrees.", examples=[37.6173])]
    name: Short | UnsetType = UNSET
    address: Short | UnsetType = UNSET


class ContactContent(Struct, forbid_unknown_fields=True):
    """A card of somebody; one of the names is needed."""

    phone: Digits
    first_name: Short | UnsetType = UNSET
    middle_name: Short | UnsetType = UNSET
    last_name: Short | UnsetType = UNSET
    company: Short | UnsetType = UNSET


class PollContent(Struct, forbid_unknown_fields=True):
    """A question with different options."""

    question: Annotated[str, _text(255, "1 to 255 characters.", "When shall we deliver?", pattern=TITLE)]
    options: Annotated[
        list[Annotated[str, _text(100, "1 to 100 characters.", "Morning", pattern=TITLE)]],
        Meta(min_length=2, max_length=12, examples=[["Morning", "Evening"]]),
    ]
    multiple: bool = False


class LinkButton(Struct, forbid_unknown_fields=True):
    """A button that copies, calls or opens: exactly one of `code`, `phone` and `url`."""

    id: ButtonId
    text: ButtonText
    code: Annotated[str, _text(256, "What is copied.", "TULIP10")] | UnsetType = UNSET
    phone: Digits | UnsetType = UNSET
    url: Url | UnsetType = UNSET


class ReplyButton(Struct, forbid_unknown_fields=True):
    """A button whose press comes back as a message."""

    id: ButtonId
    text: ButtonText


class ButtonsContent(Struct, forbid_unknown_fields=True):
    """A text with up to three buttons."""

    body: Body
    buttons: Annotated[list[LinkButton], Meta(min_length=1, max_length=3)]
    header: Header | UnsetType = UNSET
    footer: Header | UnsetType = UNSET


class ReplyButtonsContent(Struct, forbid_unknown_fields=True):
    """A text with up to three answers to choose from."""

    body: Body
    buttons: Annotated[list[ReplyButton], Meta(min_length=1, max_length=3)]
    header: Header | UnsetType = UNSET
    footer: Header | UnsetType = UNSET


class ForwardContent(Struct, forbid_unknown_fields=True):
    """Messages of one chat of this instance, to be passed on."""

    message_ids: Annotated[list[MessageId], Meta(min_length=1, max_length=50)]


class MessageCreate(Struct, forbid_unknown_fields=True):
    """A message to be sent: the field named like its `type` says what it is; for files that is `media`."""

    to: Recipient
    type: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=40,
            description="What is sent. Files are shown by the extension of their name.",
            examples=["text"],
            extra_json_schema={"enum": list(TYPES)},
        ),
    ]
    text: TextContent | UnsetType = UNSET
    media: MediaContent | UnsetType = UNSET
    location: LocationContent | UnsetType = UNSET
    contact: ContactContent | UnsetType = UNSET
    poll: PollContent | UnsetType = UNSET
    buttons: ButtonsContent | UnsetType = UNSET
    reply_buttons: ReplyButtonsContent | UnsetType = UNSET
    forward: ForwardContent | UnsetType = UNSET
    typing_seconds: (
        Annotated[float, Meta(ge=1, le=20, description="Seem to type so long before.", examples=[3])] | UnsetType
    ) = UNSET
    reply_to: MessageId | UnsetType | None = UNSET
    client_reference: Reference | UnsetType | None = UNSET
