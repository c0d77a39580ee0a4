"""All that lives as long as a process, opened once and closed in reverse order."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import cast

from app.accounts.auth import Authenticator
from app.files.fetching import Fetcher
from app.funding.options import Options as FundingOptions
from app.gateway.calls import Gateway
from app.gateway.options import Options as GatewayOptions
from app.gateway.records import Records
from app.gateway.relay import Relay
from app.gateway.snapshots import Snapshots
from app.instances.filekeys import FileKeys
from app.instances.options import Options as InstanceOptions
from app.instances.options import RepairPolicy
from app.kit import work
from app.kit.crypto import Keyring
from app.kit.db import Bell, Database
from app.kit.egress import Egress
from app.kit.mail import Mailer
from app.kit.queue import RedisBell
from app.lines.pushing import Pusher
from app.lines.waiting import Waiters
from app.plans.leases import Leases
from app.providers import wings
from app.providers.registry import Registry
from app.settings import Settings


@dataclass(frozen=True)
class Runtime:
    """What routes, trips and commands are given; nothing below reads the environment."""

    settings: Settings
    keyring: Keyring
    database: Database
    authenticator: Authenticator
    registry: Registry
    egress: Egress
    fetcher: Fetcher
    mailer: Mailer
    instance_options: InstanceOptions
    funding_options: FundingOptions
    gateway_options: GatewayOptions
    relay: Relay
    records: Records
    gateway: Gateway
    snapshots: Snapshots
    leases: Leases
    pusher: Pusher
    waiters: Waiters


@asynccontextmanager
async def open_runtime(
    settings: Settings, *, bell: Bell | None = None, application: str = "api"
) -> AsyncIterator[Runtime]:
    """Open everything for one process; without a bell of the caller's, Redis is rung."""
    own_bell = RedisBell(settings.redis_url) if bell is None else None
    keyring = settings.keyring()
    database = Database(
        settings.database_url,
        settings.system_database_url,
        keyring=keyring,
        bell=bell or cast(Bell, own_bell),
        recorder=work.record,
        pool_size=settings.pool_size,
        application=f"sublet-{application}",
    )
    found, gateways = wings.find(wings.named(settings.wings)), settings.gateway()
    registry = Registry(wings.open_all(found, gateways, settings.upstream_timeout_seconds))
    egress = Egress(settings.networks())
    fetcher = Fetcher(settings.networks(), wings.file_bases(found, gateways), FileKeys(database, registry))
    gateway_options = _gateway_options(settings)
    relay = Relay(database, registry, gateway_options)
    records = Records(database)
    snapshots = Snapshots(database, registry)
    leases = Leases(database)
    authenticator = Authenticator(database)
    pusher = Pusher(database, settings.networks(), lease_seconds=settings.lease_seconds)
    waiters = Waiters(database)
    try:
        yield Runtime(
            settings=settings,
            keyring=keyring,
            database=database,
            authenticator=authenticator,
            registry=registry,
            egress=egress,
            fetcher=fetcher,
            mailer=Mailer(settings.smtp_url, settings.mail_from),
            instance_options=_instance_options(settings),
            funding_options=_funding_options(settings),
            gateway_options=gateway_options,
            relay=relay,
            records=records,
            gateway=Gateway(database, registry, relay, records),
            snapshots=snapshots,
            leases=leases,
            pusher=pusher,
            waiters=waiters,
        )
    finally:
        for room in (waiters, pusher, relay, records, leases, snapshots, authenticator):  # some write at their end
            await room.close()
        for means in (fetcher, egress, registry, database):
            await means.close()
        if own_bell is not None:
            await own_bell.close()


def _instance_options(settings: Settings) -> InstanceOptions:
    return InstanceOptions(
        deployment=settings.deployment,
        public_url=settings.public_url.rstrip("/"),
        quiet_seconds=settings.quiet_seconds,
        ready_poll_seconds=settings.ready_poll_seconds,
        state_poll_seconds=settings.state_poll_seconds,
        surplus_wait_seconds=settings.surplus_wait_seconds,
        listing_seconds=settings.listing_seconds,
        repair_policy=cast(RepairPolicy, settings.repair_policy),
    )


def _funding_options(settings: Settings) -> FundingOptions:
    return FundingOptions(
        deployment=settings.deployment,
        step_days=settings.fund_step_days,
        margin_days=settings.fund_margin_days,
        quiet_seconds=settings.quiet_seconds,
        balance_seconds=settings.balance_seconds,
        low_days=settings.pool_low_days,
        alert_mail=settings.alert_mail,
    )


def _gateway_options(settings: Settings) -> GatewayOptions:
    return GatewayOptions(
        resolve_seconds=settings.resolve_seconds,
        journal_seconds=settings.journal_seconds,
        upstream_timeout_seconds=settings.upstream_timeout_seconds,
    )
