"""Pairing: pictures and codes fetched fresh from upstream, shown once, stored and logged nowhere.

No transaction is open while upstream is asked.
"""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NoReturn
from uuid import UUID

import phonenumbers

from app.accounts.principal import Principal
from app.instances import service, watching
from app.instances.options import Options
from app.instances.schemas import CodeView, QrView
from app.instances.service import InstanceNotReady
from app.instances.trips import Tools
from app.kit.clock import to_wire
from app.kit.db import Database
from app.kit.errors import (
    Conflict,
    FieldError,
    InvalidRequest,
    UpstreamError,
    UpstreamUnavailable,
)
from app.plans import service as plans
from app.providers.errors import NotReady, Outcome, ProviderError, TooFast, Unreachable
from app.providers.port import AlreadyLinked, Credentials, Link, Provider, QrImage
from app.providers.registry import Registry

PNG = "image/png"


class AlreadyConnected(Conflict):
    """A phone is linked already; log out first to link another."""

    code = "already_connected"


class InvalidPhoneNumber(InvalidRequest):
    """The phone number is not one in E.164."""

    code = "invalid_phone_number"


@dataclass(frozen=True)
class Asker:
    """One who may pair an instance, and how its upstream account is asked. `now` was read at monotonic `read`."""

    tools: Tools
    registry: Registry
    provider: Provider
    credentials: Credentials
    tenant_id: UUID
    instance_id: UUID
    now: datetime
    read: float

    def expires_at(self, seconds: float) -> str:
        """The instant some seconds from now, as the database counts."""
        return to_wire(self.now + timedelta(seconds=time.monotonic() - self.read + seconds))


async def let_in(
    database: Database, registry: Registry, options: Options, principal: Principal, instance_id: UUID
) -> Asker:
    """Check that the caller may pair the instance now, and count the call to the gateway.

    Raises:
        NotFound: not the caller's. InstanceNotReady, InstanceSuspended, Gone: its gate is closed.
        TrialExpired, PaymentRequired, PlanLimitReached: its terms do not allow another call.
    """
    return await admit(Tools(database, options), registry, principal.tenant, instance_id, principal)


async def admit(
    tools: Tools, registry: Registry, tenant_id: UUID, instance_id: UUID, principal: Principal | None = None
) -> Asker:
    """As `let_in`; without a principal for one whom the tenant gave a pairing link of this instance."""
    async with tools.database.begin(tenant_id) as uow:
        instance = await service.find(uow, instance_id, principal)
        service.usable(instance)
        await plans.reserve_call(uow, instance.tenant_id, instance.id)
        return Asker(
            tools=tools,
            registry=registry,
            provider=registry.get(instance.provider, instance.environment),
            credentials=await service.credentials(uow, instance),
            tenant_id=instance.tenant_id,
            instance_id=instance.id,
            now=uow.now,
            read=time.monotonic(),
        )


async def picture(asker: Asker) -> QrView:
    """The picture to scan now.

    Raises:
        AlreadyConnected: a phone is linked. InstanceNotReady: there is none yet. UpstreamError and its like: no answer.
    """
    try:
        found = await asker.provider.qr(asker.credentials)
    except ProviderError as error:
        _refuse(error)
    if isinstance(found, AlreadyLinked):
        await look(asker)
        raise AlreadyConnected()
    return shown(asker, found)


async def code(asker: Asker, phone: str) -> CodeView:
    """A code to type on the phone of that number.

    Raises:
        InvalidPhoneNumber; AlreadyConnected, InstanceNotReady and UpstreamError as `picture`.
    """
    digits = digits_of(phone)
    try:
        link = await asker.provider.link(asker.credentials)
        if link is Link.CONNECTED:
            await look(asker)
            raise AlreadyConnected()
        if link is not Link.UNPAIRED:
            raise InstanceNotReady("The instance is starting.", headers={"Retry-After": "5"})
        found = await asker.provider.phone_code(asker.credentials, digits)
    except ProviderError as error:
        _refuse(error)
    return CodeView(found.value, asker.expires_at(found.valid_seconds))


def shown(asker: Asker, image: QrImage) -> QrView:
    """A picture on the wire."""
    return QrView(image.png_base64, PNG, asker.expires_at(image.valid_seconds))


async def look(asker: Asker) -> None:
    """Read the state upstream and take note of it."""
    await watching.watch(asker.tools, asker.registry, asker.tenant_id, asker.instance_id)


def digits_of(phone: str) -> str:
    """The digits of a number in E.164.

    Raises:
        InvalidPhoneNumber: no plus sign, or no number that any country has.
    """
    try:
        parsed = phonenumbers.parse(phone, None) if phone.startswith("+") else None
    except phonenumbers.NumberParseException:
        parsed = None
    if parsed is None or not phonenumbers.is_possible_number(parsed):
        text = "Give the number in E.164: plus sign, country code, number."
        raise InvalidPhoneNumber(text, errors=(FieldError("#/phone", "invalid_phone_number", text),))
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164).removeprefix("+")


def _refuse(error: ProviderError) -> NoReturn:
    """What a failed question to upstream means to the caller."""
    if isinstance(error, NotReady):
        raise InstanceNotReady("There is no code yet.", headers={"Retry-After": "3"}) from None
    if isinstance(error, TooFast | Unreachable):
        wait = max(1, round(error.retry_after_seconds or 2))
        raise UpstreamUnavailable(headers={"Retry-After": str(wait)}, upstream=error.detail) from None
    if error.outcome is Outcome.REFUSED:
        raise UpstreamError("The gateway gives no code now; a reboot of the instance may help.") from None
    raise UpstreamError(upstream=error.detail) from None
