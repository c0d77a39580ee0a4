"""All that lives as long as a process, opened once and closed in reverse order."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import cast

from app.accounts.auth import Authenticator
from app.files.fetching import Fetcher
from app.gateway.calls import Gateway
from app.gateway.options import Options as GatewayOptions
from app.gateway.records import Records
from app.gateway.relay import Relay
from app.gateway.snapshots import Snapshots
from app.instances.options import Options as InstanceOptions
from app.instances.options import RepairPolicy
from app.kit import work
from app.kit.crypto import Keyring, Secret
from app.kit.db import Bell, Database
from app.kit.egress import Egress
from app.kit.mail import Mailer
from app.kit.queue import RedisBell
from app.lines.pushing import Pusher
from app.lines.waiting import Waiters
from app.plans.leases import Leases
from app.providers.green_api.adapter import GreenApi
from app.providers.port import Provider
from app.providers.registry import Registry
from app.providers.whapi.adapter import WhapiCloud
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
    registry = Registry(_providers(settings))
    egress = Egress(settings.networks())
    fetcher = Fetcher(settings.networks(), _bases(settings))
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
        await waiters.close()
        await pusher.close()
        await relay.close()
        await records.close()
        await leases.close()
        await snapshots.close()
        await authenticator.close()
        await fetcher.close()
        await egress.close()
        await registry.close()
        await database.close()
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


def _gateway_options(settings: Settings) -> GatewayOptions:
    return GatewayOptions(
        resolve_seconds=settings.resolve_seconds,
        journal_seconds=settings.journal_seconds,
        upstream_timeout_seconds=settings.upstream_timeout_seconds,
    )


def _providers(settings: Settings) -> dict[tuple[str, str], Provider]:
    seconds = settings.upstream_timeout_seconds
    green = {
        "live": (settings.green_api_url, settings.green_api_partner_token),
        "test": (settings.green_api_test_url, settings.green_api_test_partner_token),
    }
    whapi = {
        "live": (settings.whapi_url, settings.whapi_partner_token),
        "test": (settings.whapi_test_url, settings.whapi_test_partner_token),
    }
    found: dict[tuple[str, str], Provider] = {}
    for environment, (url, token) in green.items():
        if url and token:
            found["green_api", environment] = GreenApi(url, Secret(token), timeout_seconds=seconds)
    for environment, (url, token) in whapi.items():
        if url and token:
            project = settings.whapi_project
            found["whapi", environment] = WhapiCloud(url, Secret(token), project=project, timeout_seconds=seconds)
    return found


def _bases(settings: Settings) -> dict[tuple[str, str], str]:
    bases = {"live": settings.green_api_url, "test": settings.green_api_test_url}
    return {("green_api", environment): url for environment, url in bases.items() if url}
