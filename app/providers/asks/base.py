"""What every ask is."""

from typing import ClassVar, Generic, TypeVar

from msgspec import Struct

A = TypeVar("A")


class Ask(Struct, Generic[A], frozen=True):
    """Something asked; the gateway answers with an `A`. `method` is the catalogue's name of what is asked."""

    method: ClassVar[str]
