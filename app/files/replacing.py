"""Pure rules: the gateway's addresses in an answer give way to links of ours."""

from collections.abc import Callable
from typing import Any, Final, TypeVar, cast

import msgspec
from msgspec import Struct

A = TypeVar("A")
SUFFIX: Final = "_link"
Seal = Callable[[str, str], str | None]


def has_links(answer: Any) -> bool:
    """Whether anything in an answer is an address of the gateway's."""
    found = False

    def see(address: str, _: str) -> None:
        nonlocal found
        found = True

    with_links(answer, see)
    return found


def with_links(answer: A, seal: Seal) -> A:
    """The answer with `seal(address, file name)` in every field that ends in `_link`, however deep; empty is none."""
    if isinstance(answer, list):
        return cast(A, [with_links(each, seal) for each in answer])
    if not isinstance(answer, Struct):
        return answer
    changes: dict[str, Any] = {}
    for name in answer.__struct_fields__:
        value = getattr(answer, name)
        if name.endswith(SUFFIX):
            changes[name] = seal(value, _file_name(answer)) if value else None
        elif isinstance(value, Struct | list):
            changes[name] = with_links(value, seal)
    return cast(A, msgspec.structs.replace(answer, **changes))


def _file_name(answer: Struct) -> str:
    content = getattr(answer, "content", None)
    told = content.get("file_name") if isinstance(content, dict) else getattr(answer, "file_name", None)
    return told if isinstance(told, str) else ""
