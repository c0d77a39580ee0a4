"""PyPI whatsapp-chatbot-python, unmodified, with nothing changed but the host."""

from pathlib import Path

from tests.compat_clients.both import run_both
from tests.compat_clients.stage import Target
from tests.compat_clients.toolbox import Toolbox
from tests.conftest import Upstream


async def test_a_bot_answers(
    toolbox: Toolbox, direct: Target, ours: Target, world: Upstream, files: dict[str, Path]
) -> None:
    await run_both("bot", "bot.py", (direct, ours), toolbox, world, files)
