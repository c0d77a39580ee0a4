"""Pure rules: how an address of the compatible face is read.

GREEN-API matches names without case, and its clients double slashes, end paths with one, and put prefixes before the
path. Source: GREEN-API pages and the sources of its SDKs (read 2026-11-21).
"""

from dataclasses import dataclass, field
from typing import Final, Literal

from app.gateway.catalogue import METHODS, Method

PREFIX: Final = "green"
INSTANCE: Final = "wainstance"
PARTNER: Final = "partner"
LONGEST_NUMBER: Final = 18
SOCKET: Final = "scanqrcode"
ALSO: Final[dict[str, frozenset[str]]] = {"getInstances": frozenset({"POST"})}
"""Verbs that clients use beside the documented one."""
VERBS: Final = frozenset({"GET", "POST", "DELETE"})


@dataclass(frozen=True, slots=True)
class Address:
    """Where a request goes. `number` is None for the partner's face, and -1 for what is no number of an instance."""

    face: Literal["instance", "partner"]
    number: int | None
    name: str
    token: str = field(repr=False)
    tail: str = ""
    is_whole: bool = True

    @property
    def method(self) -> Method | None:
        """The method that is meant, if there is one."""
        found = METHODS.get(self.name.lower()) if self.is_whole else None
        return found if found is not None and (found.group == PARTNER) == (self.face == PARTNER) else None

    @property
    def pattern(self) -> str:
        """The route as logs and metrics name it: never with a number or a token."""
        method = self.method
        name = "{method}" if method is None else method.name
        return f"/partner/{name}/{{token}}" if self.face == PARTNER else f"/waInstance{{id}}/{name}/{{token}}"

    @property
    def shown(self) -> str:
        """The path as error texts show it: the token is masked."""
        head = "partner" if self.number is None else f"waInstance{self.number}"
        return "/" + "/".join([head, self.name, "***", *filter(None, [self.tail])])


def read(path: str) -> Address | None:
    """The address behind a path; None for what is not of this face."""
    parts = [part for part in path.split("/") if part]
    if parts and parts[0].lower() == PREFIX:
        del parts[0]
    head = parts[0].lower() if parts else ""
    if head == PARTNER:
        number = None
    elif head.startswith(INSTANCE):
        digits = head.removeprefix(INSTANCE)
        number = int(digits) if digits.isascii() and digits.isdecimal() and len(digits) <= LONGEST_NUMBER else -1
    else:
        return None
    name, token, tail = [*parts[1:4], "", "", ""][:3]
    is_whole = 3 <= len(parts) <= (3 if number is None else 4)
    return Address("partner" if number is None else "instance", number, name, token, tail, is_whole)


def takes(method: Method, verb: str) -> bool:
    """Whether a method is called by a verb."""
    return verb == method.verb or verb in ALSO.get(method.name, ())
