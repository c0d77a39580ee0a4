"""Settings of the channel: they are the tenant's own, and its webhooks are told by us; the gateway's stay ours."""

from app.channels.answer import Answer
from app.channels.asking import Asking
from app.channels.parts import Call
from app.providers.errors import Unsupported


async def read(asking: Asking, call: Call) -> Answer:
    """The settings."""
    raise Unsupported()


async def change(asking: Asking, call: Call) -> Answer:
    """Change what is named; the webhooks are replaced as a whole."""
    raise Unsupported()


async def reset(asking: Asking, call: Call) -> Answer:
    """Back to what a new channel has."""
    raise Unsupported()


async def events(asking: Asking, call: Call) -> Answer:
    """The events that a webhook can be told."""
    raise Unsupported()


async def test(asking: Asking, call: Call) -> Answer:
    """Tell an address something, to see whether it hears."""
    raise Unsupported()
