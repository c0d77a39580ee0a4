"""npm @green-api/whatsapp-api-client, unmodified, with nothing changed but the host."""

from pathlib import Path

from tests.compat_clients.both import run_both
from tests.compat_clients.stage import Target
from tests.compat_clients.toolbox import Toolbox
from tests.conftest import Upstream


async def test_every_method_of_the_client(
    toolbox: Toolbox, direct: Target, ours: Target, world: Upstream, files: dict[str, Path]
) -> None:
    played = await run_both("node", "client.cjs", (direct, ours), toolbox, world, files)
    assert set(played.offered) <= played.called
