"""How a script that plays a customer's program talks with the test: one JSON line each way."""

import json
import os
import sys
from typing import Any

NOTHING = "nothing-of-"
"""Begins what stands for an answer that a step did not get."""
_OUT = os.fdopen(os.dup(1), "w", encoding="utf-8")
sys.stdout = sys.stderr  # clients print as well


def given() -> dict[str, Any]:
    """What the test wants: addresses, credentials, files."""
    return json.loads(sys.argv[1])


def say(**line: Any) -> dict[str, Any]:
    """Tell the test, and wait until it took note: what went over the wire by then belongs to this line."""
    _OUT.write(json.dumps(line) + "\n")
    _OUT.flush()
    answer = sys.stdin.readline()
    if not answer:
        sys.exit("the test went away")
    return json.loads(answer)


def cue(name: str, **needs: Any) -> dict[str, Any]:
    """Wait until the test has arranged something in the world: an incoming message, a scanned code."""
    return say(cue=name, **needs)


def resolved(value: Any, kept: dict[str, Any]) -> Any:
    """The value with every `$step.field` replaced by what that step was told."""
    if isinstance(value, dict):
        return {key: resolved(inner, kept) for key, inner in value.items()}
    if isinstance(value, list):
        return [resolved(inner, kept) for inner in value]
    if not isinstance(value, str) or not value.startswith("$"):
        return value
    step, *fields = value[1:].split(".")
    found = kept.get(step)
    for name in fields:
        found = found.get(name) if isinstance(found, dict) else None
    return found if found is not None else NOTHING + step
