"""npm @green-api/whatsapp-api-client, unmodified, with nothing changed but the host."""

from pathlib import Path

from tests.compat_clients.stage import Target, play
from tests.compat_clients.toolbox import Toolbox
from tests.compat_clients.transcript import compare_with_golden
from tests.conftest import Upstream


async def test_every_method_of_the_client(
    toolbox: Toolbox, direct: Target, upstream: Upstream, files: dict[str, Path]
) -> None:
    played = await play(toolbox, "client.cjs", direct, upstream, files)
    assert set(played.offered) <= played.called, set(played.offered) - played.called
    compare_with_golden("node", played.transcript)
