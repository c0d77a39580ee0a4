"""Sending files: uploaded with the call, uploaded before it, or by their address."""

from typing import Any

from simulator import checks, kinds, outgoing
from simulator.asked import optional_text
from simulator.fetching import is_address
from simulator.methods.sending import chat_id_of, drafted, quoted
from simulator.storage import LARGEST_FILE, Blob
from simulator.wire import Call, Refusal, Reply, answer, invalid, plain, text_of
from simulator.world import World

MEGABYTE = 1024 * 1024
LONGEST_NAME = 1024


def upload_file(world: World, call: Call) -> Reply:
    """Keep a file for a while and tell its address."""
    blob = _uploaded(world, call)
    return answer({"urlFile": world.storage.stored(call.here.id_instance, blob)})


def send_upload(world: World, call: Call) -> Reply:
    """Keep the file and queue it; in the queue it looks like one sent by its address."""
    chat_id = chat_id_of(world, call)
    blob = _uploaded(world, call)
    name = optional_text(world, call, "fileName", longest=LONGEST_NAME) or blob.name or "file"
    typing = _typing(world, call)
    caption = _caption(world, call)
    quote = quoted(world, call)
    url = world.storage.stored(call.here.id_instance, blob)
    data = kinds.file(kinds.kind_of_file(name, blob.mime), url, name, blob.mime, caption)
    message = drafted(world, call, caption, kinds.with_quote(data, quote), typing)
    message.blob = blob
    message.body = {"chatId": chat_id, "urlFile": url, "fileName": name, "caption": caption, "archive": False}
    outgoing.accept(world, call.here, message)
    return answer({"idMessage": message.id_message, "urlFile": url})


async def look_at_url(world: World, call: Call) -> None:
    """What is known to be too large is refused before it is queued."""
    url = call.params.get("urlFile")
    if not world.config.fetch_files or not isinstance(url, str) or not is_address(url):
        return
    size = await world.fetches.size(url)
    if size is not None and size > LARGEST_FILE:
        shown = f"Size: {-(-size // MEGABYTE)}mb Limit: {LARGEST_FILE // MEGABYTE}mb Url: {url}"
        raise Refusal(plain(500, f"File from url exceeded max upload size. {shown}"))


def send_by_url(world: World, call: Call) -> Reply:
    """Queue a file that is fetched when its turn comes."""
    chat_id_of(world, call)
    url = text_of(world, call, "urlFile")
    if not is_address(url):
        raise invalid(world, call, "'urlFile' must be a valid uri")
    name = text_of(world, call, "fileName", longest=LONGEST_NAME)
    typing = _typing(world, call)
    caption = _caption(world, call)
    quote = quoted(world, call)
    mime = kinds.mime_of(name)
    data = kinds.file(kinds.kind_of_file(name), url, name, mime, caption)
    message = drafted(world, call, caption, kinds.with_quote(data, quote), typing)
    message.url = url
    outgoing.accept(world, call.here, message)
    return answer({"idMessage": message.id_message})


def _uploaded(world: World, call: Call) -> Blob:
    if call.upload is None:
        raise invalid(world, call, "'file' is required")
    return call.upload


def _typing(world: World, call: Call) -> int:
    checks.one_of(world, call, "typingType", ("recording",))
    return checks.typing_ms(world, call)


def _caption(world: World, call: Call) -> Any:
    return optional_text(world, call, "caption", longest=world.config.longest_caption)
