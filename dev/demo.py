"""`make demo`: the whole lease of an instance, told while it happens, by an outside client of a real stack."""

import json
import sys

import httpx2
from rich.console import Console

from dev import demo_lease, demo_mixed
from dev.demo_story import Story
from dev.gateways import GATEWAYS
from dev.outside import Outside, Unexpected
from dev.processes import ChildFailed
from dev.receiver import Receiver
from dev.stack import CommandFailed, Options, Stack

SIMULATOR = {
    "warmup_401_seconds": 0.3,
    "warmup_null_seconds": 0.3,
    "starting_seconds": 0.6,
    "restart_seconds": 0.5,
    "listing_lag_seconds": 1.0,
    "deliver_after_seconds": 0.4,
    "read_after_seconds": 0.8,
    "whapi": {
        "init_seconds": 0.3,
        "launch_seconds": 0.3,
        "mode_change_seconds": 1.0,
        "listing_lag_seconds": 1.0,
        "sent_seconds": 0.1,
        "delivered_seconds": 0.4,
        "read_seconds": 0.8,
    },
}
PACE = {
    "SUBLET_UPSTREAM_TIMEOUT_SECONDS": "3",
    "SUBLET_LEASE_SECONDS": "12",
    "SUBLET_QUIET_SECONDS": "5",
    "SUBLET_READY_POLL_SECONDS": "0.5",
    "SUBLET_SURPLUS_WAIT_SECONDS": "2",
}


def main(provider: str) -> int:
    """Tell the story on a gateway, or `mixed` on all; 0 only when every step held."""
    console = Console(width=None if sys.stdout.isatty() else 150)
    story = Story(console)
    gateways = GATEWAYS if provider == "mixed" else (provider,)
    stack = Stack(Options(env=PACE, simulator=("--config", json.dumps(SIMULATOR)), gateways=gateways))
    try:
        with story.step("Start PostgreSQL, Redis, simulator, API and worker") as tell:
            stack.start()
            tell(f"API at {stack.api_url}")
        with Outside(stack) as outside, Receiver() as receiver:
            if provider == "mixed":
                demo_mixed.tell_story(story, outside)
            else:
                demo_lease.tell_story(story, outside, receiver)
    except (Unexpected, TimeoutError, ChildFailed, CommandFailed, httpx2.HTTPError, KeyError) as error:
        console.print(f"[red]✗[/] {type(error).__name__}: {error}", highlight=False)
        _show_logs(console, stack)
        print("demo: failed")
        return 1
    finally:
        stack.stop()
    console.print(story.summary())
    story.facts["seconds"] = round(sum(seconds for _, seconds, _ in story.steps), 1)
    print("demo: ok " + json.dumps(story.facts))
    return 0


def _show_logs(console: Console, stack: Stack) -> None:
    for path in sorted(stack.logs.glob("*.log")):
        lines = path.read_text(errors="replace").splitlines()[-15:]
        console.print(f"[dim]{path.name}[/]", *lines, sep="\n", markup=False, highlight=False)
