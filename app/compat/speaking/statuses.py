"""Statuses (stories) that are to be posted."""

import re
from typing import Any, Final

from app.compat.speaking.fields import Fields, Invalid
from app.providers.answers import Posted
from app.providers.asks import PostMediaStatus, PostTextStatus, PostVoiceStatus

COLOUR: Final = re.compile(r"#[0-9A-Fa-f]{6}")
WHITE: Final = "#FFFFFF"
FONTS: Final = ("SERIF", "SANS_SERIF", "NORICAN_REGULAR", "BRYNDAN_WRITE", "OSWALD_HEAVY")
LONGEST_TEXT: Final = 500
LONGEST_CAPTION: Final = 1024
LONGEST_ADDRESS: Final = 2048
LONGEST_FILE_NAME: Final = 255


def text(fields: Fields) -> PostTextStatus:
    """A text; the colour and the font have defaults of the gateway."""
    said = fields.text("message", longest=LONGEST_TEXT)
    font = fields.given.get("font") or None
    if font is not None and font not in FONTS:
        raise Invalid(f"'font' must be one of [{', '.join(FONTS)}]")
    audience = fields.people("participants")
    return PostTextStatus(said, _colour(fields), font, audience)


def voice(fields: Fields) -> PostVoiceStatus:
    """A sound."""
    url, name = _file(fields)
    colour = _colour(fields)
    return PostVoiceStatus(url, name, colour, fields.people("participants"))


def media(fields: Fields) -> PostMediaStatus:
    """A picture or a film."""
    url, name = _file(fields)
    caption = fields.maybe("caption", longest=LONGEST_CAPTION)
    return PostMediaStatus(url, name, caption, fields.people("participants"))


def posted(found: Posted) -> dict[str, Any]:
    """The id of what was posted."""
    return {"idMessage": found.message_id}


def _colour(fields: Fields) -> str | None:
    colour = fields.given.get("backgroundColor") or None
    if colour is not None and (not isinstance(colour, str) or not COLOUR.fullmatch(colour) or colour.upper() == WHITE):
        raise Invalid("'backgroundColor' must be a colour in the format #RRGGBB other than white")
    return colour


def _file(fields: Fields) -> tuple[str, str]:
    return fields.address(longest=LONGEST_ADDRESS), fields.text("fileName", longest=LONGEST_FILE_NAME)
