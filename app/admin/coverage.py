"""Which gateway does what, from the catalogue and the wings' own word; docs/providers.md holds what this makes."""

from collections.abc import Mapping
from typing import Final

from app.gateway.catalogue import ALL, Method
from app.providers.port import Traits
from app.providers.wings import Wing

YES, WE, NO = "yes", "we", "–"
QUEUES: Final = "queues"


def table(found: Mapping[str, Wing]) -> str:
    """A row for each method in Markdown, with a column for each gateway; see docs/providers.md for its words."""
    names = sorted(found)
    lines = [f"| method | group | {' | '.join(names)} |", f"|---|---|{'---|' * len(names)}"]
    for method in ALL:
        cells = " | ".join(answer(method, found[name].traits) for name in names)
        mark = " *" if method.wanted else ""
        lines.append(f"| `{method.name}`{mark} | {method.group} | {cells} |")
    return "\n".join(lines) + "\n"


def answer(method: Method, traits: Traits) -> str:
    """`yes`: the gateway does it. `we`: it is served here, whatever the gateway. `–`: it has no counterpart there."""
    if method.served == "us" or (method.group == QUEUES and not traits.has_queue):
        return WE
    return NO if method.name in traits.unsupported else YES
