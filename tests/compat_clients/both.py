"""One program, run against the gateway and against us: what is kept, what is compared, what may not be seen."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.compat_clients.stage import Played, Target, play
from tests.compat_clients.toolbox import Toolbox
from tests.compat_clients.transcript import assert_same, compare_with_golden
from tests.conftest import PARTNER_LIVE, PARTNER_TEST, Upstream

Step = dict[str, Any]


async def run_both(
    name: str,
    script: str,
    stands: tuple[Target, Target],
    toolbox: Toolbox,
    upstream: Upstream,
    files: dict[str, Path],
    *,
    meant: Callable[[Step], Step | None] = lambda step: step,
    **more: Any,
) -> Played:
    """The run against us, after it was found to be the gateway's own but for ids, and that one as it is kept.

    `meant` takes out of a step of either run what is meant to differ, or the step with it.

    Raises:
        AssertionError: a difference, or something of the upstream in an answer of ours.
    """
    runs = [play(toolbox, script, target, upstream, files, **more) for target in stands]
    ended = await asyncio.gather(*runs, return_exceptions=True)
    for end in ended:
        if isinstance(end, BaseException):
            raise end
    direct, ours = ended
    compare_with_golden(name, direct.transcript)
    runs_as_meant = [[as_meant for step in run.transcript if (as_meant := meant(step))] for run in (direct, ours)]
    assert_same("the gateway", runs_as_meant[0], "ours", runs_as_meant[1])
    await nothing_of_upstream(ours, upstream)
    return ours


async def nothing_of_upstream(played: Played, upstream: Upstream) -> None:
    """No id, token or address of the gateway is in an answer of ours, nor in what the program was told besides.

    Raises:
        AssertionError: one is.
    """
    secrets = [upstream.url.removeprefix("http://"), PARTNER_LIVE, PARTNER_TEST]
    for row in await upstream.instances():
        secrets += [str(row["id_instance"]), row["token"]]
    seen = [(kept.target, f"{kept.reply!r} {kept.reply_headers}") for kept in played.exchanges]
    seen.append(("what the program said", "\n".join(played.said)))
    for where, text in seen:
        assert not [secret for secret in secrets if secret in text], (where, text[:2000])
