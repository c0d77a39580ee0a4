"""What a gateway tells us: authenticated, kept once, and turned into events in the same transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import replace

from app.accounts.vault import Vault, open_vault
from app.events import service as events
from app.events.catalogue import RAW
from app.files.links import Sealer
from app.inbound import store
from app.inbound.reading import NotReadable, public_copy, read_body
from app.instances import service as instances
from app.instances import watching
from app.instances.doubting import Belief, belief
from app.instances.lifecycle import is_usable
from app.instances.models import Instance
from app.jobs import ReconcileInstance
from app.kit.crypto import Unreadable, digest, same
from app.kit.db import UnitOfWork
from app.kit.errors import Unauthenticated
from app.kit.ids import INSTANCE, to_wire
from app.lines import service as lines
from app.messages import changes
from app.messages import service as messages
from app.providers.events import (
    CallChanged,
    MessageDeleted,
    MessageEchoed,
    MessageEdited,
    MessageProgressed,
    MessageReceived,
    Notification,
    PollVoted,
    ReactionReceived,
    StateChanged,
    Unmapped,
)
from app.providers.port import Link, Provider
from app.providers.registry import Registry

LEAVING = ("deleting", "deleted")
UP = frozenset(link.value for link in Link if is_usable(link))


@dataclass(frozen=True)
class Body:
    """The body of a request; `whole` is False when it was longer than we read."""

    raw: bytes
    whole: bool = True


async def may_speak(uow: UnitOfWork, instance_id: UUID, fingerprint: bytes) -> bool | None:
    """Whether a token, by its keyed hash, is that of an instance's hook; None when there is no such instance."""
    known = await store.hook_hash(uow, instance_id)
    return None if known is None else same(fingerprint, known)


async def take(
    uow: UnitOfWork,
    registry: Registry,
    instance_id: UUID,
    fingerprint: bytes,
    bodies: Sequence[Body],
    *,
    public_url: str,
) -> list[Body]:
    """Keep notifications and do what they say; sent twice it is done once. `public_url` is where our links begin.

    For an instance that is leaving they are dropped: answered with anything but 200 they would be sent for a day.
    Of one that tells of many things nothing is done: each thing is returned, to be taken as one of its own.

    Raises:
        Unauthenticated: the token has changed since its caller was admitted.
    """
    instance, vault = await _open(uow, instance_id)
    if instance is None or vault is None:
        return []
    if not same(fingerprint, instance.hook_token_hash):
        raise Unauthenticated()
    provider = registry.get(instance.provider, instance.environment)
    origin = {"provider": instance.provider, "environment": instance.environment}
    links = Sealer(vault, instance.tenant_id, instance.id, **origin, public_url=public_url)
    left: list[Body] = []
    for body in bodies:
        parsed = _parsed(body)
        if parsed is None:
            await _keep(uow, instance, vault, body, "unreadable")
            continue
        parts = provider.apart(parsed)
        if len(parts) > 1:
            left += [Body(msgspec.json.encode(part)) for part in parts]
            continue
        sealed = vault.seal(_text(body), store.place_of(instance))
        await _take_one(uow, instance, provider, parsed, links, sealed)
    return left


def _parsed(body: Body) -> dict[str, Any] | None:
    try:
        return read_body(body.raw) if body.whole else None
    except NotReadable:
        return None


async def _take_one(
    uow: UnitOfWork, instance: Instance, provider: Provider, parsed: dict[str, Any], links: Sealer, sealed: bytes
) -> None:
    said = provider.read_notice(parsed)
    state = _state(instance, said)
    if not await store.add(uow, instance, dedupe=said.dedupe, kind=said.kind, state=state, body_sealed=sealed):
        if state == "accepted" and said.happened_at is None and isinstance(said.what, StateChanged):
            # Without a time nobody knows whether it is the earlier one again or a new one.
            watching.doubt(instance, Link(said.what.link))
        return
    if state == "foreign":
        if said.account is not None:
            await instances.seen_upstream(uow, instance, said.account)
        return
    if isinstance(said.what, MessageEdited | MessageDeleted | ReactionReceived | PollVoted):
        said = replace(said, what=await changes.located(uow, instance, said.what))
    was_phone = instance.phone
    if isinstance(said.what, StateChanged) and not await _is_news(uow, instance, said.what, provider):
        return
    await _act(uow, instance, provider, said, parsed, links)
    words = provider.traits.words
    await lines.keep(uow, instance, said, parsed, links=links, words=words, was_phone=was_phone)


async def _is_news(uow: UnitOfWork, instance: Instance, what: StateChanged, provider: Provider) -> bool:
    """Whether a told state is a fact that changes something; of a phone that seems to be away it is asked again."""
    await instances.hold(uow, instance)
    return belief(instance, Link(what.link), provider.traits, uow.now) is Belief.FACT


async def quarantine(uow: UnitOfWork, instance_id: UUID, body: Body) -> None:
    """Keep a notification that could not be dealt with: refused for ever it would block all that come after it."""
    instance, vault = await _open(uow, instance_id)
    if instance is not None and vault is not None:
        await _keep(uow, instance, vault, body, "failed")


async def _open(uow: UnitOfWork, instance_id: UUID) -> tuple[Instance | None, Vault | None]:
    instance = await store.instance(uow, instance_id)
    if instance is None or instance.status in LEAVING:
        return None, None
    try:
        return instance, await open_vault(uow, instance.tenant_id)
    except Unreadable:
        return None, None


async def _keep(uow: UnitOfWork, instance: Instance, vault: Vault, body: Body, state: str) -> None:
    sealed = vault.seal(_text(body), store.place_of(instance))
    await store.add(uow, instance, dedupe=digest(body.raw), kind=state, state=state, body_sealed=sealed)


def _state(instance: Instance, said: Notification) -> str:
    """`foreign`: it is about another upstream account than the instance's, or about none."""
    if said.account is None or said.account != instance.upstream_account:
        return "foreign"
    return "unmapped" if isinstance(said.what, Unmapped) else "accepted"


async def _act(
    uow: UnitOfWork,
    instance: Instance,
    provider: Provider,
    said: Notification,
    parsed: dict[str, Any],
    links: Sealer,
) -> None:
    match said.what:
        case StateChanged() as what:
            was_connected = instance.connection == "connected"
            await instances.observe(uow, instance, Link(what.link), what.phone)
            if provider.traits.watch_seconds:
                await _look_soon(uow, instance, was_connected=was_connected)
        case MessageReceived() as what:
            await messages.received(uow, instance, what, said.happened_at)
        case MessageEchoed() as what:
            await messages.echoed(uow, instance, what, said.happened_at, provider.likeness)
        case MessageProgressed() as what:
            await messages.progressed(uow, instance, what, said.happened_at)
        case MessageEdited() | MessageDeleted() | ReactionReceived() | PollVoted() as what:
            await changes.changed(uow, instance, what, said.happened_at)
        case CallChanged() as what:
            await changes.called(uow, instance, what, said.happened_at)
        case Unmapped() as what:
            account = instance.upstream_account
            await events.publish(
                uow,
                tenant_id=instance.tenant_id,
                type=RAW,
                environment=instance.environment,
                instance_id=instance.id,
                data={
                    "instance_id": to_wire(INSTANCE, instance.id),
                    "type": public_copy(what.upstream_type, provider.traits, account=account),
                    "raw": public_copy(parsed, provider.traits, account=account, hosts=provider.hosts(), link=links),
                },
            )


async def _look_soon(uow: UnitOfWork, instance: Instance, *, was_connected: bool) -> None:
    """Where states are read seldom: a phone that is told as linked may be an old word that came late, and an account
    that is told to be up is perhaps ready.
    """
    if instance.connection == "connected" and not was_connected:
        instance.state_checked_at = None
    if instance.ready_at is None and instance.connection in UP:
        uow.defer(ReconcileInstance(ref=instance.id, tenant_id=instance.tenant_id))


def _text(body: Body) -> str:
    return body.raw.decode("utf-8", "backslashreplace")
