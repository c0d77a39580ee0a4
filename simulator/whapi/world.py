"""The Whapi half of the world: partner accounts, channels, days and callbacks."""

import string
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from simulator.whapi import days, life
from simulator.whapi.channel import DAY, Channel
from simulator.whapi.config import WhapiConfig
from simulator.whapi.partner import Partner, made_up, open_account
from simulator.whapi.settings import defaults
from simulator.whapi.webhooks import Hook, Webhooks

if TYPE_CHECKING:
    from simulator.world import World

UPPER = string.ascii_uppercase


class Whapi:
    """Everything Whapi knows; shares clock, journal, faults and files with the rest of the world."""

    def __init__(self, world: "World", tokens: Iterable[str]) -> None:
        self.world = world
        self.gate_url = ""
        """The address of the gate, with a slash at its end; told as apiUrl."""
        self.manager_url = ""
        self._tokens = tuple(tokens)
        self.webhooks = Webhooks(world)

    def begin(self) -> None:
        """As freshly started: the accounts the simulator was started with, no channel."""
        self.partners: dict[str, Partner] = {}
        self.channels: dict[str, Channel] = {}
        self.by_token: dict[str, Channel] = {}
        self.by_name: dict[str, list[Channel]] = {}
        for token in self._tokens:
            self.open_account(token)

    @property
    def config(self) -> WhapiConfig:
        """The knobs of this half."""
        return self.world.config.whapi

    def now_ms(self) -> int:
        """Virtual milliseconds since the epoch."""
        return round(self.world.clock.now() * 1000)

    def open_account(self, token: str) -> Partner:
        """A new partner account with the days that the knob says."""
        partner = open_account(token, len(self.partners) + 1, self.world.clock.now())
        self.partners[token] = partner
        days.move(self, partner, "outside", "pool", round(self.config.pool_days * DAY), "opening")
        return partner

    def create(self, partner: Partner, name: str, project_id: str, phone: str) -> Channel:
        """A new channel in mode trial, with the first days that the knobs say, asleep unless a knob wakes it."""
        config, now = self.config, self.now_ms()
        channel = Channel(
            id=f"{made_up(6, UPPER)}-{made_up(5, UPPER + string.digits)}",
            token=made_up(32),
            partner=partner,
            name=name,
            project_id=project_id,
            server=1 + self.world.faults.rng.randrange(40),
            created_at=now / 1000,
            active_till=now,
            settings=defaults(),
            phone=phone,
            drained=now,
            visible_at=self.world.clock.now() + config.listing_lag_seconds,
        )
        self.channels[channel.id] = self.by_token[channel.token] = partner.channels[channel.id] = channel
        self.by_name.setdefault(name, []).append(channel)
        self._give_trial(channel)
        if days.left(self, channel) <= 0:
            channel.expired = True
            life.halt(self, channel)
        elif config.launches_at_creation:
            life.launch(self, channel)
        return channel

    def tell(self, channel: Channel, type_: str, verb: str, payload: dict[str, Any]) -> None:
        """Send an event to every webhook of the channel that asked for it, such as `messages`, `post`."""
        self.webhooks.emit(channel, type_, verb, payload)

    def is_wanted(self, channel: Channel, type_: str, verb: str) -> bool:
        """Somebody listens to such events of the channel."""
        return any(hook.wants(type_, verb) for hook in self.webhooks.hooks(channel))

    def tell_low_days(self, partner: Partner, before: int) -> None:
        """The pool shrank: tell the partner's webhooks if it is low. Payload and repetition are choices."""
        limit = partner.settings.get("days_limit", self.config.days_limit) * DAY
        if partner.pool >= limit or (before < limit and self.config.days_notice == "once"):
            return
        whole = partner.pool / DAY
        body = {"partner": partner.codename, "days": int(whole) if whole.is_integer() else whole}
        if self.config.days_payload == "bare":
            body = {}
        for settings in partner.settings.get("webhooks", []):
            self.webhooks.send(None, Hook.of(settings), "days", "post", body)

    def dismiss(self) -> None:
        """Let go of every channel, so that calls still held find none; nothing is sent any more."""
        for channel in self.channels.values():
            channel.vanished_at = self.world.clock.now()
        self.webhooks.abandon()

    async def close(self) -> None:
        """Leave no task or connection behind."""
        await self.webhooks.close()

    def _give_trial(self, channel: Channel) -> None:
        config, partner = self.config, channel.partner
        if config.trial_mode == "none":
            return
        # By hand and not as an extension: the sample's figures are exact to the millisecond.
        trial, source = round(config.trial_days * DAY), "pool"
        amount = min(trial, partner.pool)
        if config.trial_mode == "free":
            source, amount = "granted", trial + round(config.trial_grace_days * DAY)
            channel.gift_until = channel.drained + amount
        days.move(self, partner, source, "channel", amount, "trial", channel)
        channel.active_till = channel.drained + amount
        channel.trial = channel.drained + trial
        life.arm(self, channel)
