"""`make run`: the whole house on this machine. Data is kept in `.dev/` when a real gateway stands behind it."""

import json
import os
import shlex
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from rich.console import Console

from dev.gateways import GATEWAYS, WEIGHTS
from dev.house import HOME, SETTINGS_FILE, STACK_FILE, occupied, reset
from dev.seed import Tenant, seed
from dev.spawn import is_port_free
from dev.stack import Options, Stack, write_private

_PORT = 8000
_RESTARTS_UNSAID = 4
_SIMULATOR = {  # an upstream in a hurry: a real one takes minutes to make an instance
    "warmup_401_seconds": 1.0,
    "warmup_null_seconds": 1.0,
    "starting_seconds": 2.0,
    "restart_seconds": 2.0,
    "listing_lag_seconds": 2.0,
    "whapi": {
        "init_seconds": 1.0,
        "launch_seconds": 1.0,
        "mode_change_seconds": 3.0,
        "listing_lag_seconds": 2.0,
    },
}
_PACE = {"SUBLET_QUIET_SECONDS": "45", "SUBLET_READY_POLL_SECONDS": "1"}
_OURS = {
    # Said to us, and answered by what the stack itself sets.
    "SUBLET_PORT",
    "SUBLET_DATABASE_URL",
    "SUBLET_SYSTEM_DATABASE_URL",
    "SUBLET_OWNER_DATABASE_URL",
    "SUBLET_REDIS_URL",
}
_REAL = {
    "SUBLET_GREEN_API_PARTNER_TOKEN": "SUBLET_GREEN_API_URL",
    "SUBLET_WHAPI_PARTNER_TOKEN": "SUBLET_WHAPI_URL",
}
"""A partner token makes its gateway a real one, at the address if one is said, else at the gateway's own."""


class PortTaken(RuntimeError):
    """The port that was asked for is in use."""


def main(provider: str) -> int:
    """Run until told to stop, and leave no process behind; new instances go to a gateway, or `mixed` to all."""
    console = Console()
    options = _options()
    if not options.real and "SUBLET_DATABASE_URL" not in os.environ:
        reset()  # the simulator forgets its world when it stops: rows without it would only be ghosts
    with occupied():
        with console.status("Starting PostgreSQL, Valkey, the simulator, the API and a worker"):
            stack = Stack(options).start()
        try:
            tenants = _tenants(stack, provider)
            _remember(stack, tenants)
            _show(console, stack, tenants)
            return _attend(stack)
        except KeyboardInterrupt:
            return 0
        finally:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C must not cut the ending short
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            console.print("Stopping")
            stack.stop()


def _options() -> Options:
    env = {name: value for name, value in os.environ.items() if name.startswith("SUBLET_")}
    real = real_gateways(env)
    played = {name for pair in _REAL.items() for name in pair}
    passed = {name: value for name, value in env.items() if name not in _OURS | played}
    return Options(
        home=HOME,
        port=_port(env.get("SUBLET_PORT")),
        env={**({} if real else _PACE), **passed},
        simulator=("--config", json.dumps(_SIMULATOR)),
        gateways=GATEWAYS,
        real=real,
    )


def real_gateways(env: Mapping[str, str]) -> dict[str, str]:
    """The settings of the gateways that are not to be played."""
    named = [name for token, url in _REAL.items() if env.get(token) for name in (token, url)]
    return {name: env[name] for name in named if name in env}


def _port(chosen: str | None) -> int:
    if chosen is None:
        return _PORT if is_port_free(_PORT) else 0
    if not chosen.isdecimal() or not 0 < int(chosen) < 65536:
        raise PortTaken(f"SUBLET_PORT is {chosen!r}; it should be a number from 1 to 65535")
    if not is_port_free(int(chosen)):
        raise PortTaken(f"Port {chosen} is in use; choose another with SUBLET_PORT")
    return int(chosen)


def _tenants(stack: Stack, provider: str) -> list[Tenant]:
    """Those of this database: remembered, or made now."""
    try:
        kept: dict[str, Any] = json.loads(STACK_FILE.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        kept = {}
    if kept.get("tenants") and kept.get("operator_key") == stack.operator_key["secret"]:
        return [Tenant(**one) for one in kept["tenants"]]
    return seed(stack, WEIGHTS[provider])


def _remember(stack: Stack, tenants: list[Tenant]) -> None:
    facts = {
        "api": stack.api_url,
        "simulator": stack.simulator_url,
        "mailbox": stack.mailbox_url,
        "operator_key": stack.operator_key["secret"],
        "tenants": [asdict(one) for one in tenants],
    }
    write_private(SETTINGS_FILE, "".join(f"export {name}={shlex.quote(value)}\n" for name, value in stack.env.items()))
    write_private(STACK_FILE, json.dumps(facts, indent=2) + "\n")


def _show(console: Console, stack: Stack, tenants: list[Tenant]) -> None:
    rows = [
        ("API", stack.api_url),
        ("Documentation", f"{stack.api_url}/docs"),
        ("Simulator", stack.simulator_url),
        ("Mailbox", f"{stack.mailbox_url}/messages"),
        ("Operator key", stack.operator_key["secret"]),
        *((f"Key of {tenant.name or tenant.org_id} ({tenant.provider})", tenant.api_key) for tenant in tenants),
        ("All of this", str(STACK_FILE)),
        ("For the command line", f". {SETTINGS_FILE}"),
        ("Logs", str(stack.logs)),
    ]
    if stack.options.real:
        names = [token.removeprefix("SUBLET_").removesuffix("_PARTNER_TOKEN") for token in _REAL]
        real = [name.lower() for name, token in zip(names, _REAL, strict=True) if token in stack.options.real]
        rows.insert(2, ("Live instances", f"real, at {', '.join(real)}"))
    width = max(len(name) for name, _ in rows)
    console.print("[bold]Sublet is up[/]")
    for name, value in rows:  # one line each, however narrow the window: these are for copying
        console.print(f"  {name.ljust(width)}  {value}", soft_wrap=True, highlight=False)
    console.print("Ctrl-C stops everything.", style="dim")


def _attend(stack: Stack) -> int:
    """Wait for the end: ours, or the API's own; say once when a worker cannot stay up."""
    told = False
    while stack.api.pid:
        time.sleep(0.5)
        failing = [worker for worker in stack.workers if worker.starts > _RESTARTS_UNSAID]
        if failing and not told:
            told = True
            print(f"{failing[0].name} keeps ending; {failing[0].log_path} has why:", file=sys.stderr)
            print(failing[0].log_end(5), file=sys.stderr)
    print(f"The API ended with code {stack.api.exit_code}:\n{stack.api.log_end()}", file=sys.stderr)
    return 1
