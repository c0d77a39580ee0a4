"""Checks of parameters, each worded as the upstream words it."""

import math
from typing import Any

from simulator.wire import Call, invalid, number_of
from simulator.world import World


def text_in(world: World, call: Call, found: dict[str, Any], where: str, name: str, longest: int | None = None) -> str:
    """A required string of an object within the parameters; `where` is the object's place.

    Raises:
        Refusal: it is missing, of another type, or too long.
    """
    value = found.get(name)
    if value is None or value == "":
        raise invalid(world, call, f"'{where}.{name}' is required")
    return fit_text(world, call, f"{where}.{name}", value, longest)


def fit_text(world: World, call: Call, place: str, value: object, longest: int | None = None) -> str:
    """A value that must be a string.

    Raises:
        Refusal: it is of another type or too long.
    """
    if not isinstance(value, str):
        raise invalid(world, call, f"'{place}' must be a string")
    if longest is not None and len(value) > longest:
        raise invalid(world, call, f"'{place}' length must be less than or equal to {longest} characters long")
    return value


def fraction(world: World, call: Call, name: str) -> float:
    """A required number, whole or not.

    Raises:
        Refusal: it is missing or not a number.
    """
    value = call.params.get(name)
    if value is None:
        raise invalid(world, call, f"'{name}' is required")
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            value = None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise invalid(world, call, f"'{name}' must be a number")
    return value


def one_of(world: World, call: Call, name: str, choices: tuple[str, ...]) -> str:
    """A string out of a few, or an empty one when it was left out.

    Raises:
        Refusal: it is another one.
    """
    value = call.params.get(name)
    if value is None:
        return ""
    if value not in choices:
        raise invalid(world, call, f"'{name}' must be one of [{', '.join(choices)}]")
    return str(value)


def structure(world: World, call: Call, name: str) -> dict[str, Any]:
    """A required object.

    Raises:
        Refusal: it is missing or something else.
    """
    value = call.params.get(name)
    if value is None:
        raise invalid(world, call, f"'{name}' is required")
    if not isinstance(value, dict):
        raise invalid(world, call, f"'{name}' must be of type object")
    return value


def items(world: World, call: Call, name: str, least: int, most: int | None = None) -> list[Any]:
    """A required array within its bounds.

    Raises:
        Refusal: it is missing, something else, or has too few or too many items.
    """
    value = call.params.get(name)
    if value is None:
        raise invalid(world, call, f"'{name}' is required")
    if not isinstance(value, list):
        raise invalid(world, call, f"'{name}' must be an array")
    if len(value) < least:
        raise invalid(world, call, f"'{name}' must contain at least {least} items")
    if most is not None and len(value) > most:
        raise invalid(world, call, f"'{name}' must contain less than or equal to {most} items")
    return value


def objects(world: World, call: Call, name: str, least: int, most: int) -> list[dict[str, Any]]:
    """A required array of objects.

    Raises:
        Refusal: as `items`, or one of them is no object.
    """
    found = items(world, call, name, least, most)
    for place, item in enumerate(found):
        if not isinstance(item, dict):
            raise invalid(world, call, f"'{name}[{place}]' must be of type object")
    return found


def typing_ms(world: World, call: Call) -> int:
    """How long a typing hint is shown before the message; 0 when none is asked for.

    Raises:
        Refusal: it is out of its range.
    """
    if call.params.get("typingTime") is None:
        return 0
    one_of(world, call, "typingType", ("recording",))
    return number_of(world, call, "typingTime", least=1000, most=20000)
