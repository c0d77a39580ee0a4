"""PyPI whatsapp-api-client-python, unmodified, with nothing changed but the host."""

from pathlib import Path

import pytest

from tests.compat_clients.stage import Target, play
from tests.compat_clients.toolbox import Toolbox
from tests.compat_clients.transcript import compare_with_golden
from tests.conftest import Upstream


@pytest.mark.parametrize("mode", ["sync", "async"])
async def test_every_method_of_the_client(
    mode: str, toolbox: Toolbox, direct: Target, upstream: Upstream, files: dict[str, Path]
) -> None:
    played = await play(toolbox, "sdk.py", direct, upstream, files, mode=mode)
    missed = set(played.offered) - played.called
    assert missed <= {"webhooks.stopReceivingNotifications", "voip.connect", "voip.websocketUrl"}, missed
    compare_with_golden(f"python-{mode}", played.transcript)


async def test_the_partner_client(
    toolbox: Toolbox, reseller: Target, upstream: Upstream, files: dict[str, Path]
) -> None:
    played = await play(toolbox, "partner.py", reseller, upstream, files)
    assert set(played.offered) == played.called
    compare_with_golden("python-partner", played.transcript)
