"""The one in-memory world: instances, messages, bills, time, faults and the journal of truth."""

import itertools
from collections.abc import Iterable
from typing import Any

from simulator import billing, people
from simulator.billing import Bill
from simulator.clock import Clock, wake
from simulator.config import Config
from simulator.faults import Faults, Rules
from simulator.fetching import Fetches
from simulator.instance import Instance, Message
from simulator.journal import Journal
from simulator.push import Push
from simulator.storage import Storage
from simulator.whapi.world import Whapi

FIRST_ID = 7103000001


class World:
    """Everything the upstream knows; needs a running event loop."""

    def __init__(self, partner_tokens: Iterable[str], config: Config, whapi_tokens: Iterable[str] = ()) -> None:
        self._initial = config
        # Ids are never given twice, not even after a reset: an old token must not open a new instance.
        self._ids = itertools.count(FIRST_ID)
        self.partner_tokens = frozenset(partner_tokens)
        self.config = config
        self.no_account = frozenset(config.no_account)
        self.clock = Clock()
        self.journal = Journal(self.clock, config.journal_limit)
        self.faults = Faults()
        self.push = Push(self)
        self.storage = Storage(self)
        self.fetches = Fetches(self)
        self.whapi = Whapi(self, whapi_tokens)
        self._empty()

    def _empty(self) -> None:
        self.instances: dict[int, Instance] = {}
        self.alive: dict[int, Instance] = {}
        self.by_name: dict[str, list[Instance]] = {}
        self.listed: dict[str, dict[int, Instance]] = {token: {} for token in self.partner_tokens}
        self.partner_buckets: dict[str, dict[str, tuple[float, float]]] = {}
        self.bills: list[Bill] = []
        self.messages: list[Message] = []
        billing.arm(self)
        self.whapi.begin()

    def add(self, instance: Instance) -> None:
        """Take a new instance into every index."""
        self.instances[instance.id_instance] = instance
        self.alive[instance.id_instance] = instance
        self.by_name.setdefault(instance.name, []).append(instance)
        self.listed[instance.partner_token][instance.id_instance] = instance

    def next_id(self) -> int:
        """An idInstance never given before."""
        return next(self._ids)

    def remember(self, instance: Instance, message: Message) -> None:
        """Keep a message for the journals of the instance and for the truth."""
        if message.id_message in instance.messages:
            return
        people.note_message(instance, message)
        instance.messages[message.id_message] = message
        instance.chats.setdefault(message.chat_id, []).append(message)
        self.messages.append(message)

    def forget_old_rows(self) -> None:
        """Take instances deleted long ago off the listing; the truth keeps them."""
        oldest = self.clock.now() - self.config.deleted_kept_seconds
        for rows in self.listed.values():
            gone = [row.id_instance for row in rows.values() if (row.deleted_at or oldest) < oldest]
            for id_instance in gone:
                del rows[id_instance]

    def configure(self, changes: dict[str, Any]) -> Config:
        """Turn some knobs; running timers keep the durations they began with."""
        self.config = self.config.merged(changes)
        self.no_account = frozenset(self.config.no_account)
        self.journal.limit = self.config.journal_limit
        return self.config

    async def advance(self, seconds: float) -> None:
        """Jump the clock; everything due on the way happens at its moment."""
        self.push.begin_jump()
        self.whapi.webhooks.begin_jump()
        await self.clock.advance(seconds, self._settle)

    async def _settle(self) -> None:
        await self.fetches.settle()
        await self.push.settle()
        await self.whapi.webhooks.settle()

    def reset(self) -> None:
        """As freshly started: no instance, no rule, real time, the first configuration."""
        self._dismiss()
        self.push.abandon()
        self.fetches.abandon()
        self.storage.clear()
        self.clock.reset()
        self.journal.clear()
        self.faults.replace(Rules(seed=0))
        self.config = self._initial
        self.no_account = frozenset(self.config.no_account)
        self._empty()

    async def close(self) -> None:
        """Leave no task, timer or connection behind."""
        self._dismiss()
        await self.push.close()
        await self.whapi.close()
        await self.fetches.close()
        self.storage.clear()
        self.clock.reset()

    def _dismiss(self) -> None:
        """Let every viewer and every long poll go, as if the upstream had lost their instances."""
        self.whapi.dismiss()
        for instance in self.alive.values():
            instance.vanished_at = self.clock.now()
            if instance.viewer is not None:
                instance.viewer.put_nowait({})
            for waiter in instance.waiters:
                wake(waiter)
