"""Every route of the house, room by room."""

from typing import Any

ROUTES: list[Any] = []
