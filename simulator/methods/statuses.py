"""Status (story) methods: posting waits in the queue of the messages; lists are journals.

Source: GREEN-API statuses pages, read 2026-11-21.
"""

import mimetypes
import re
from typing import Any

from simulator import outgoing, stories
from simulator.asked import DAY_MINUTES, optional_text, people_of
from simulator.fetching import is_address
from simulator.instance import Instance, Message
from simulator.stories import Story
from simulator.wire import Call, Reply, answer, invalid, number_of, plain, text_of
from simulator.world import World

LONGEST_TEXT = 500
LONGEST_CAPTION = 1024
LONGEST_ADDRESS = 2048
LONGEST_FILE_NAME = 255
BLACK = "#000000"
WHITE = "#FFFFFF"
COLOUR = re.compile(r"#[0-9A-Fa-f]{6}")
FONTS = ("SERIF", "SANS_SERIF", "NORICAN_REGULAR", "BRYNDAN_WRITE", "OSWALD_HEAVY")


def send_text(world: World, call: Call) -> Reply:
    """Post a text."""
    text = text_of(world, call, "message", longest=LONGEST_TEXT)
    font = call.params.get("font") or "SERIF"
    if font not in FONTS:
        raise invalid(world, call, f"'font' must be one of [{', '.join(FONTS)}]")
    participants = people_of(world, call, "participants")
    look = {"text": text, "backgroundColor": _colour(world, call), "font": font, "participants": participants}
    return _post(world, call, "extendedTextMessage", {"textMessage": text, "extendedTextMessage": look}, participants)


def send_voice(world: World, call: Call) -> Reply:
    """Post a recording that is fetched from a link."""
    content = _file(world, call, "audio/mpeg")
    content["backgroundColor"] = _colour(world, call)
    return _post(world, call, "audioMessage", content, people_of(world, call, "participants"))


def send_media(world: World, call: Call) -> Reply:
    """Post a picture or a film that is fetched from a link."""
    content = _file(world, call, "image/jpeg")
    content["caption"] = optional_text(world, call, "caption", longest=LONGEST_CAPTION)
    kind = "videoMessage" if content["mimeType"].startswith("video/") else "imageMessage"
    return _post(world, call, kind, content, people_of(world, call, "participants"))


def delete(world: World, call: Call) -> Reply:
    """Take an own story back; doing so twice does no harm."""
    story = call.here.stories.get(text_of(world, call, "idMessage"))
    if story is None or story.direction != "outgoing":
        return plain(400, "message not found")
    story.deleted = True
    if story.message is not None and story.message in call.here.outgoing:
        call.here.outgoing.remove(story.message)
        story.message.status = "cleared"
    return Reply()


def statistic(world: World, call: Call) -> Reply:
    """How far an own story came with each person."""
    story = call.here.stories.get(text_of(world, call, "idMessage"))
    if story is None or story.direction != "outgoing" or story.deleted:
        return answer([])
    return answer(
        [
            {"timestamp": int(view.at), "participant": chat_id, "status": view.status}
            for chat_id, view in story.views.items()
        ]
    )


def incoming(world: World, call: Call) -> Reply:
    """Stories of the people in the address book within so many minutes."""
    return _recent(world, call, "incoming")


def outgoing_ones(world: World, call: Call) -> Reply:
    """Own stories within so many minutes."""
    return _recent(world, call, "outgoing")


def _post(world: World, call: Call, kind: str, content: dict[str, Any], participants: list[str]) -> Reply:
    instance, now = call.here, world.clock.now()
    message = Message(
        id_message=outgoing.new_id(),
        id_instance=instance.id_instance,
        chat_id=stories.BROADCAST,
        text="",
        accepted_at=now,
        direction="outgoing",
        status="queued",
        kind=call.method.name,
        body=dict(call.params),
        message_data={"fileMessageData": {"fileName": content.get("fileName", "")}},
        url=str(call.params.get("urlFile") or ""),
        leaves=_publish,
    )
    instance.stories[message.id_message] = Story(
        id_message=message.id_message,
        direction="outgoing",
        type_message=kind,
        at=now,
        author=instance.wid,
        content=content,
        participants=participants,
        journaled=instance.settings["outgoingWebhook"] == "yes",
        message=message,
    )
    outgoing.enqueue(world, instance, message)
    return answer({"idMessage": message.id_message})


def _publish(world: World, instance: Instance, message: Message) -> None:
    story = instance.stories[message.id_message]
    # It may have been posted before any phone was linked.
    story.author = instance.wid
    if message.failure:
        message.status = "failed"
        return
    if message.blob is not None:
        story.content["downloadUrl"] = world.storage.download(instance.id_instance, message.blob)
        story.content["mimeType"] = message.blob.mime
    stories.publish(world.clock.now(), instance, story)


def _colour(world: World, call: Call) -> str:
    colour = call.params.get("backgroundColor") or BLACK
    if not isinstance(colour, str) or not COLOUR.fullmatch(colour) or colour.upper() == WHITE:
        raise invalid(world, call, "'backgroundColor' must be a colour in the format #RRGGBB other than white")
    return colour


def _file(world: World, call: Call, otherwise: str) -> dict[str, Any]:
    if not is_address(text_of(world, call, "urlFile", longest=LONGEST_ADDRESS)):
        raise invalid(world, call, "'urlFile' must be a valid uri")
    name = text_of(world, call, "fileName", longest=LONGEST_FILE_NAME)
    return {
        "downloadUrl": "",
        "caption": "",
        "fileName": name,
        "jpegThumbnail": "",
        "mimeType": mimetypes.guess_type(name)[0] or otherwise,
    }


def _recent(world: World, call: Call, direction: str) -> Reply:
    minutes = number_of(world, call, "minutes", default=DAY_MINUTES, least=1)
    now = world.clock.now()
    oldest = now - min(minutes * 60.0, stories.KEPT_SECONDS)
    found = stories.recent(call.here, direction, oldest, now - world.config.journal_lag_seconds)
    return answer([story.row() for story in found])
