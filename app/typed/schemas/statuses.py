"""Statuses (stories)."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from app.gateway.schemas import MediaContent
from app.kit.wire import PROSE
from app.providers import answers
from app.typed.schemas.common import Person

Colour = Annotated[
    str,
    Meta(
        min_length=7,
        max_length=7,
        pattern=r"^#[0-9A-Fa-f]{6}$(?!\n)",
        description="The background, #RRGGBB; not white.",
        examples=["#223344"],
    ),
]
Font = Literal["serif", "sans_serif", "norican_regular", "bryndan_write", "oswald_heavy"]


class StatusText(Struct, forbid_unknown_fields=True):
    """A text."""

    body: Annotated[
        str, Meta(min_length=1, max_length=500, pattern=PROSE, description="The text.", examples=["Open again!"])
    ]
    font: Font | UnsetType = UNSET


class StatusCreate(Struct, forbid_unknown_fields=True):
    """A status to be posted: `text` for the type `text`, `media` for `voice` and `media`."""

    type: Annotated[Literal["text", "voice", "media"], Meta(description="`media` is an image or a video.")]
    text: StatusText | UnsetType = UNSET
    media: MediaContent | UnsetType = UNSET
    background: Annotated[Colour, Meta(description="Of a text or a voice.")] | UnsetType = UNSET
    audience: Annotated[list[Person], Meta(max_length=1024, description="Who may see it; empty is every contact.")] = []


class StatusPosted(answers.Posted, frozen=True, kw_only=True):
    """A status that the gateway has taken; it is published in its turn."""

    object: Annotated[str, Meta(extra_json_schema={"const": "status"})] = "status"


class StatusStory(answers.Status, frozen=True, kw_only=True):
    """A status, of the account or of a contact."""

    object: Annotated[str, Meta(extra_json_schema={"const": "status"})] = "status"


class StatusList(Struct):
    """Statuses, newest first."""

    data: list[StatusStory]
    object: Annotated[str, Meta(extra_json_schema={"const": "list"})] = "list"


class StatusViewList(Struct):
    """How far a status came with each person."""

    data: list[answers.StatusView]
    object: Annotated[str, Meta(extra_json_schema={"const": "list"})] = "list"
