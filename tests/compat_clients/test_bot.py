"""PyPI whatsapp-chatbot-python, unmodified, with nothing changed but the host."""

from pathlib import Path

from tests.compat_clients.stage import Target, play
from tests.compat_clients.toolbox import Toolbox
from tests.compat_clients.transcript import compare_with_golden
from tests.conftest import Upstream


async def test_a_bot_answers(toolbox: Toolbox, direct: Target, upstream: Upstream, files: dict[str, Path]) -> None:
    played = await play(toolbox, "bot.py", direct, upstream, files)
    compare_with_golden("bot", played.transcript)
