"""Files: upload, list, the bytes of one, delete."""

from simulator.whapi import files
from simulator.whapi.methods.messages import moment_of, order
from simulator.whapi.state import talk_of
from simulator.whapi.wire import Call, answer, page, success
from simulator.whapi.world import Whapi
from simulator.wire import Reply


def upload(whapi: Whapi, call: Call) -> Reply:
    """Keep a file; its MediaID goes into sends."""
    media = files.adopt(whapi, call.here, call.kept["media"])
    return answer({"media": [{"id": media.id}]})


def get_files(whapi: Whapi, call: Call) -> Reply:
    """The files kept, newest first."""
    oldest, newest = moment_of(call.query, "time_from", 0), moment_of(call.query, "time_to", 10**12)
    now, kept = whapi.world.clock.now(), whapi.config.media_kept_seconds
    found = [
        media
        for media in talk_of(call.here).media.values()
        if oldest <= int(media.at) <= newest and now - media.at < kept
    ]
    order(call.query, found)
    rows, figures = page(call, found)
    return answer({"files": [media.row() for media in rows], **figures})


def get_file(whapi: Whapi, call: Call) -> Reply:
    """The bytes."""
    media = files.found(whapi, call.here, call.params["MediaID"])
    return Reply(media.blob.path.read_bytes(), 200, media.mime)


def delete_file(whapi: Whapi, call: Call) -> Reply:
    """The file is gone; messages that carried it stay."""
    files.forget(whapi, call.here, files.found(whapi, call.here, call.params["MediaID"]))
    return success()
