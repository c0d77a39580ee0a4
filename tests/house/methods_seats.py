"""Many linked instances of one tenant, each with its line, made at once and kept for a whole file of tests."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import httpx2
from sqlalchemy import update

from app.instances import service as instances
from app.instances import watching
from app.instances.models import Instance
from app.instances.trips import Tools
from app.kit import ids
from app.kit.db import SYSTEM
from app.lines import service as lines
from app.plans.models import Subscription
from app.runtime import Runtime
from tests.conftest import Drain, Upstream
from tests.factories import TestTenant, make_tenant, read_instance

PLENTY = {"chats": 10_000, "messages": 10_000, "calls": 100_000}
CHAT, OTHER = "79990005544@c.us", "79990005545@c.us"
GROUP, STORY = "120363043968066561@g.us", "BAE5F00D00000002"
OWN_TEXT, FILE = "BAE5F00D00000001", "BAE5F00D00000003"


@dataclass
class Seat:
    """One instance, as its tenant calls it by each face; `facts` are what earlier answers told."""

    tenant: TestTenant
    instance: Instance
    number: int
    token: str = field(repr=False)
    upstream_token: str = field(default="", repr=False)
    facts: dict[str, str] = field(default_factory=dict)

    @property
    def upstream_id(self) -> int:
        """The account's number at the gateway."""
        assert self.instance.upstream_id is not None
        return self.instance.upstream_id

    @property
    def path(self) -> str:
        """Of the instance, below which the typed and the native face are."""
        return f"/v1/instances/{ids.to_wire(ids.INSTANCE, self.instance.id)}"

    def line(self, method: str) -> str:
        """The path of a method of the drop-in face."""
        return f"/waInstance{self.number}/{method}/{self.token}"


@dataclass
class Seats:
    """Makes them, and asks the gateway's own journal what reached it."""

    runtime: Runtime
    client: httpx2.AsyncClient
    upstream: Upstream
    drain: Drain
    tenant: TestTenant

    @classmethod
    async def open(cls, runtime: Runtime, client: httpx2.AsyncClient, upstream: Upstream, drain: Drain) -> "Seats":
        """For a new tenant."""
        return cls(runtime, client, upstream, drain, await make_tenant(runtime, name="Ada"))

    async def make(self, count: int, *, linked: bool = True) -> list[Seat]:
        """So many instances on trial with plenty of everything, provisioned for real on the simulator."""
        async with self.runtime.database.begin(self.tenant.tenant_id) as uow:
            wished = [await self._wish(uow, number) for number in range(count)]

        async def are_ready() -> bool:
            rows = [await read_instance(self.runtime, each) for each in wished]
            return all(row.status == "active" for row in rows)

        await self.drain(until=are_ready, seconds=60)
        rows = [await read_instance(self.runtime, each) for each in wished]
        if linked:
            await asyncio.gather(*(self._link(row) for row in rows))
        async with self.runtime.database.begin(SYSTEM) as uow:
            mine = Subscription.instance_id.in_([row.id for row in rows])
            await uow.session.execute(update(Subscription).where(mine).values(limits=PLENTY))
        tokens = {truth["id_instance"]: truth["token"] for truth in await self.upstream.instances()}
        return [await self._seat(each, tokens) for each in wished]

    async def _wish(self, uow: Any, number: int) -> Any:
        made, _ = await instances.request_instance(
            uow,
            tenant_id=self.tenant.tenant_id,
            environment="live",
            name=f"Seat {number} {ids.new_id().hex[-6:]}",
            provider="green_api",
            metadata={},
            options=self.runtime.instance_options,
            quota_free=True,
        )
        return made.id

    async def _link(self, row: Instance) -> None:
        assert row.upstream_id is not None
        await self.upstream.scan(row.upstream_id)
        tools = Tools(self.runtime.database, self.runtime.instance_options)
        await watching.watch(tools, self.runtime.registry, row.tenant_id, row.id)

    async def _seat(self, instance_id: Any, tokens: dict[int, str]) -> Seat:
        instance = await read_instance(self.runtime, instance_id)
        async with self.runtime.database.begin(self.tenant.tenant_id) as uow:
            number, token = await lines.shown(uow, await lines.ensure(uow, instance))
        assert instance.upstream_id is not None
        return Seat(self.tenant, instance, number, token, tokens[instance.upstream_id])

    async def act(self, seat: Seat, act: str, /, **body: Any) -> Any:
        """Somebody does something at the phone or around it."""
        return await self.upstream.control("POST", f"instances/{seat.upstream_id}/{act}", body)

    async def people(self, seat: Seat) -> None:
        """What methods that read and change need: a chat, a person, a group, an own text, and a file."""
        await self.act(seat, "contact", chat_id=CHAT, name="Ann", contact_name="Ann", avatar=True)
        await self.act(seat, "receive", chat_id=CHAT, text="Hi")
        await self.act(seat, "receive", chat_id=CHAT, kind="file", file_name="a.jpg", id_message=FILE)
        await self.act(seat, "send_from_phone", chat_id=CHAT, text="Mine", id_message=OWN_TEXT)
        await self.act(seat, "group", subject="Crew", group_id=GROUP, account="admin", members=[OTHER])

    async def settled(self, seat: Seat, state: str = "authorized") -> None:
        """Wait until the account is in a state, as after a restart."""
        async with asyncio.timeout(10):
            while (await self._truth(seat))["state"] != state:
                await asyncio.sleep(0.02)

    async def _truth(self, seat: Seat) -> dict[str, Any]:
        query = f"instances?id_instance={seat.upstream_id}"
        found: dict[str, Any] = (await self.upstream.control("GET", query))["instances"][0]
        return found

    async def mark(self) -> int:
        """Where the journal ends now."""
        return int((await self.upstream.control("GET", "journal?method=nothing"))["next"])

    async def asked(self, seat: Seat, after: int) -> Counter[str]:
        """How often each method was called on an account since a mark."""
        query = f"journal?id_instance={seat.upstream_id}&kind=call&after={after}&limit=10000"
        entries = (await self.upstream.control("GET", query))["entries"]
        return Counter(entry["method"] for entry in entries)

    async def expire(self, *seats: Seat) -> None:
        """Their trials are over since a second."""
        async with self.runtime.database.begin(SYSTEM) as uow:
            mine = Subscription.instance_id.in_([seat.instance.id for seat in seats])
            over = uow.now.replace(microsecond=0)
            await uow.session.execute(update(Subscription).where(mine).values(trial_ends_at=over))
