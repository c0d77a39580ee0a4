"""Reading what only GREEN-API writes."""

from typing import Any

from app.providers.reading import number_in


def account_in(value: Any) -> str | None:
    """The account that an object is about, its idInstance in digits; None when it names none."""
    number = number_in(value, "idInstance")
    return None if number is None else str(number)
