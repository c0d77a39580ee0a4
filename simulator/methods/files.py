"""Files of messages: a fresh address for what came or went."""

from simulator.methods.sending import chat_id_of
from simulator.wire import Call, Reply, answer, plain, text_of
from simulator.world import World


def download(world: World, call: Call) -> Reply:
    """A new downloadUrl of a file message that the journals know."""
    chat_id = chat_id_of(world, call)
    message = call.here.messages.get(text_of(world, call, "idMessage"))
    if message is None or message.chat_id != chat_id or not message.journaled:
        return plain(400, "message not found")
    if message.blob is None:
        return plain(400, "message has no file")
    return answer({"downloadUrl": world.storage.download(call.here.id_instance, message.blob)})
