"""Every attempt under every circumstance, each face and circumstance at once on an account of its own."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx2

from app.gateway.catalogue import Takes
from app.instances import service as instances
from app.kit.db import SYSTEM
from app.lines import service as lines
from tests.factories import make_tenant
from tests.house.methods_calls import ALL, LATE, PICTURE, Attempt
from tests.house.methods_seats import CHAT, Seat, Seats

FACES = ("compatible", "native", "typed")
FAULTS: dict[str, dict[str, Any]] = {
    "401": {"kind": "status", "status": 401, "body": ""},
    "429": {"kind": "status", "status": 429, "body": ""},
    "466": {"kind": "status", "status": 466},
    "500": {"kind": "status", "status": 500},
    "502": {"kind": "status", "status": 502},
    "timeout": {"kind": "stall"},
    "lost": {"kind": "lose_answer"},
    "garbage": {"kind": "garbage"},
}
NOTHING_DONE = frozenset({"401", "429", "466", "500", "502", "timeout"})
ROTATES = frozenset({"updateApiToken"})
PHASES = ("passes", "expired", "bad", "stranger")
HARMS = frozenset({*LATE, "clearWebhooksQueue"})
"""Called one after the other on a spare account: they change what the others find."""


Faults = dict[str, Callable[[Seat], dict[str, Any]]]


@dataclass(frozen=True)
class Outcome:
    """What a client was told, and how often the gateway was asked."""

    reply: httpx2.Response
    asked: int

    @property
    def status(self) -> int:
        return int(self.reply.status_code)

    @property
    def problem(self) -> dict[str, Any]:
        """The problem document."""
        assert self.reply.headers["content-type"] == "application/problem+json", self.reply.text
        found: dict[str, Any] = self.reply.json()
        return found


@dataclass
class Matrix:
    """Plays a circumstance when it is first asked for, and remembers how each attempt ended."""

    seats: Seats
    faults: Faults = field(default_factory=lambda: {name: lambda _, rule=rule: rule for name, rule in FAULTS.items()})
    """What the gateway answers, by name, to the calls of an account."""
    own: dict[tuple[str, str], Seat] = field(default_factory=dict)
    spare: dict[tuple[str, bool], Seat] = field(default_factory=dict)
    other: dict[str, str] = field(default_factory=dict)
    """Another tenant's headers."""
    _known: dict[tuple[str, str], dict[str, Outcome]] = field(default_factory=dict)

    async def prepare(self, phases: tuple[str, ...] = PHASES) -> None:
        """Make the accounts and what is around them."""
        self.other = (await make_tenant(self.seats.runtime, name="Bo")).headers
        places = [(face, phase) for face in FACES for phase in (*self.faults, *phases)]
        spares = [(face, is_expired) for face in FACES for is_expired in (False, True)]
        made = await self.seats.make(len(places) + len(spares))
        self.own = dict(zip(places, made, strict=False))
        self.spare = dict(zip(spares, made[len(places) :], strict=True))
        for start in range(0, len(made), 10):
            await asyncio.gather(*(self._furnish(seat) for seat in made[start : start + 10]))
        typed = [seat for (face, _), seat in [*self.own.items(), *self.spare.items()] if face == "typed"]
        for start in range(0, len(typed), 4):
            await asyncio.gather(*(self._learn(seat) for seat in typed[start : start + 4]))
        expired = [seat for (_, phase), seat in self.own.items() if phase == "expired"]
        await self.seats.expire(*expired, *(seat for (_, is_expired), seat in self.spare.items() if is_expired))

    async def outcome(self, phase: str, attempt: Attempt) -> Outcome:
        """How an attempt ended."""
        key = (attempt.face, phase)
        if key not in self._known:
            self._known[key] = await self._played(*key)
        return self._known[key][str(attempt)]

    async def _played(self, face: str, phase: str) -> dict[str, Outcome]:
        if phase == "passes":
            return await self._one_by_one(face, phase)
        if phase in ("bad", "stranger"):
            return await self._refused(face, phase)
        return await self._at_once(face, phase)

    async def call(self, attempt: Attempt, seat: Seat, headers: dict[str, str] | None = None) -> httpx2.Response:
        """One request by the seat's tenant; with other credentials by somebody else."""
        verb, path, more = attempt.request(seat)
        if attempt.face != "compatible":
            mine = seat.tenant.headers if headers is None else headers
            more["headers"] = {**more.get("headers", {}), **mine}
        return await self.seats.client.request(verb, path, **more)

    async def _furnish(self, seat: Seat) -> None:
        async with self.seats.runtime.database.begin(SYSTEM) as uow:
            line = await lines.ensure(uow, await instances.find(uow, seat.instance.id))
            await lines.change(uow, line, {"incomingWebhook": "yes"})
        await self.seats.people(seat)

    async def _learn(self, seat: Seat) -> None:
        """Messages and a story of the tenant's own."""
        client, headers = self.seats.client, seat.tenant.headers
        body = {"to": CHAT, "type": "text", "text": {"body": "Mine"}}
        sent = await client.post(f"{seat.path}/messages", headers=headers, json=body)
        assert sent.status_code == 202, sent.text
        file = await client.post(seat.line("sendFileByUpload"), data={"chatId": CHAT}, files=PICTURE)
        assert file.status_code == 200, file.text
        rows = (await client.get(f"{seat.path}/messages", headers=headers)).json()["data"]
        [sent_file] = [row["id"] for row in rows if row["upstream_message_id"] == file.json()["idMessage"]]
        story = await client.post(
            f"{seat.path}/statuses", headers=headers, json={"type": "text", "text": {"body": "Open"}}
        )
        assert story.status_code == 202, story.text
        seat.facts |= {"sent": sent.json()["id"], "sent_file": sent_file, "story": story.json()["message_id"]}

    async def _at_once(self, face: str, phase: str) -> dict[str, Outcome]:
        seat, spare = self.own[face, phase], self.spare[face, phase == "expired"]
        if phase in self.faults:
            tell = self.faults[phase]
            rules = [{"method": "*", "id_instance": each.upstream_id, **tell(each)} for each in (seat, spare)]
            await self.seats.upstream.faults(*rules)
        together, after = _split([attempt for attempt in ALL if attempt.face == face])
        mark = await self.seats.mark()
        replies = await asyncio.gather(*(self.call(attempt, seat) for attempt in together))
        asked = await self.seats.asked(seat, mark)
        found = {
            str(attempt): Outcome(reply, asked[attempt.method.name])
            for attempt, reply in zip(together, replies, strict=True)
        }
        while after:
            # What upstream does not do harms nobody: different methods may go wrong together.
            together, after = (
                _split(after, keep=False, harms=ROTATES) if phase in NOTHING_DONE else (after[:1], after[1:])
            )
            ended = await asyncio.gather(*(self._alone(phase, attempt, spare) for attempt in together or after[:1]))
            found |= {str(attempt): outcome for attempt, outcome in zip(together or after[:1], ended, strict=True)}
            after = after if together else after[1:]
        await self.seats.upstream.faults()
        return found

    async def _refused(self, face: str, phase: str) -> dict[str, Outcome]:
        """What must not change anything, so that all may come at once."""
        attempts, seat = [attempt for attempt in ALL if attempt.face == face], self.own[face, phase]
        mark = await self.seats.mark()
        ask = self._badly if phase == "bad" else self._strangely
        replies = await asyncio.gather(*(ask(attempt, seat) for attempt in attempts))
        asked = await self.seats.asked(seat, mark)
        return {
            str(attempt): Outcome(reply, asked[attempt.method.name])
            for attempt, reply in zip(attempts, replies, strict=True)
        }

    async def _strangely(self, attempt: Attempt, seat: Seat) -> httpx2.Response:
        if attempt.face != "compatible":
            return await self.call(attempt, seat, self.other)
        verb, path, more = attempt.request(seat, token=self.own["native", "stranger"].token)
        return await self.seats.client.request(verb, path, **more)

    async def _badly(self, attempt: Attempt, seat: Seat) -> httpx2.Response:
        verb, path, more = attempt.request(seat)
        if attempt.takes_file:
            more = {"content": b""} if attempt.method.takes is Takes.RAW else {"json": {"chatId": CHAT}}
        elif "json" in more and attempt.face != "typed":
            more["json"] = {}
        else:
            more = {"content": b"{no json"}
        headers = {} if attempt.face == "compatible" else seat.tenant.headers
        return await self.seats.client.request(verb, path, **{**more, "headers": headers})

    async def _one_by_one(self, face: str, phase: str) -> dict[str, Outcome]:
        together, after = _split([attempt for attempt in ALL if attempt.face == face], keep=True)
        return {str(attempt): await self._alone(phase, attempt, self.own[face, phase]) for attempt in together + after}

    async def _alone(self, phase: str, attempt: Attempt, seat: Seat) -> Outcome:
        mark = await self.seats.mark()
        reply = await self.call(attempt, seat)
        asked: Counter[str] = await self.seats.asked(seat, mark)
        name = attempt.method.name
        if reply.is_success and phase not in self.faults and name in ("setSettings", "reboot"):
            await self.seats.settled(seat)
        if reply.is_success and name == "updateApiToken":
            seat.token = reply.json()["apiTokenInstance"]
        if reply.is_success and name == "sendTextStatus" and attempt.face != "typed":
            seat.facts["story"] = reply.json()["idMessage"]
        return Outcome(reply, asked[name])


def _split(
    attempts: list[Attempt], *, keep: bool = False, harms: frozenset[str] = HARMS
) -> tuple[list[Attempt], list[Attempt]]:
    """What can be called at once, each method once; and what must wait for the others."""
    together: list[Attempt] = []
    after: list[Attempt] = []
    seen: set[str] = set()
    for attempt in attempts:
        name = attempt.method.name
        (after if name in harms or (name in seen and not keep) else together).append(attempt)
        seen.add(name)
    late = [*LATE, "clearWebhooksQueue"]
    return together, sorted(after, key=lambda each: late.index(each.method.name) if each.method.name in late else -1)
