"""The journal of truth: what was asked, what really happened, what the caller was told."""

from dataclasses import dataclass, field
from typing import Any

from simulator.clock import Clock, rfc3339


@dataclass(slots=True)
class Entry:
    """One line; `real` and `told` of a call are corrected in place when a held call ends."""

    seq: int
    at: float
    kind: str
    method: str
    id_instance: int | None
    name: str | None
    request: Any = None
    real: str = "done"
    told: str = "nothing"
    http_status: int | None = None
    more: dict[str, Any] = field(default_factory=dict)

    def shown(self) -> dict[str, Any]:
        """The line as the control face tells it."""
        return {
            "seq": self.seq,
            "at": rfc3339(self.at),
            "kind": self.kind,
            "method": self.method,
            "id_instance": self.id_instance,
            "name": self.name,
            "request": self.request,
            "real": self.real,
            "told": self.told,
            "http_status": self.http_status,
            **self.more,
        }


@dataclass(frozen=True, slots=True)
class Filter:
    """Which lines to show; an empty wish fits all."""

    method: str = ""
    id_instance: int | None = None
    name: str = ""
    kind: str = ""
    channel_id: str = ""
    provider: str = ""

    def fits(self, entry: Entry) -> bool:
        """Every wish that was made is met; methods are compared without case."""
        return (
            (not self.method or entry.method.lower() == self.method.lower())
            and (self.id_instance is None or entry.id_instance == self.id_instance)
            and (not self.name or entry.name == self.name)
            and (not self.kind or entry.kind == self.kind)
            and (not self.channel_id or entry.more.get("channel_id") == self.channel_id)
            and (not self.provider or entry.more.get("provider", "green") == self.provider)
        )


class Journal:
    """Appends in order and forgets the oldest half when its limit is reached."""

    def __init__(self, clock: Clock, limit: int) -> None:
        self._clock = clock
        self._entries: list[Entry] = []
        self._first = 1
        self.limit = limit

    def add(self, kind: str, method: str, id_instance: int | None, name: str | None, request: Any = None) -> Entry:
        """Write one line at the present moment and hand it back, to be told more of."""
        if len(self._entries) >= self.limit:
            gone = self.limit // 2
            del self._entries[:gone]
            self._first += gone
        seq = self._first + len(self._entries)
        entry = Entry(seq, self._clock.now(), kind, method, id_instance, name, request)
        self._entries.append(entry)
        return entry

    def read(self, after: int, limit: int, wanted: Filter) -> tuple[list[dict[str, Any]], int]:
        """Lines past a sequence number that fit, and the number to go on from."""
        found: list[dict[str, Any]] = []
        reached = after
        for index in range(max(0, after + 1 - self._first), len(self._entries)):
            if len(found) >= limit:
                break
            entry = self._entries[index]
            reached = entry.seq
            if wanted.fits(entry):
                found.append(entry.shown())
        return found, reached

    def clear(self) -> None:
        """Forget everything; numbers begin again at 1."""
        self._entries.clear()
        self._first = 1
