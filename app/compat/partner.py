"""The partner's face: tools of a tenant make, list and delete its instances as GREEN-API's partners do.

Refusals come with HTTP 200 and a `code` in the body, compact and in this order, for clients compare the text. Sources:
GREEN-API partner pages and its Go SDK (read 2026-11-21).
"""

import re
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from sqlalchemy import select

from app.accounts.principal import Principal
from app.compat import wording
from app.compat.answer import Answer, told
from app.compat.parts import Parts
from app.compat.wording import Scene
from app.gateway.catalogue import Method
from app.instances import creation
from app.instances import service as instances
from app.instances.models import Instance
from app.instances.service import NameTaken
from app.kit.clock import to_wire
from app.kit.db import UnitOfWork
from app.kit.errors import AppError, Conflict, Gone, InvalidRequest, NotFound, PaymentNeeded
from app.kit.wire import TITLE
from app.lines import service as lines
from app.lines import switches
from app.lines.models import Line
from app.plans import service as plans
from app.plans.service import Access

log = structlog.get_logger()

UNAUTHORIZED: Final = told({"code": 401, "description": "Unauthorized"})
NOT_FOUND: Final = told({"code": 404, "description": "Not found"})
DELETED: Final = told({"deleteInstanceAccount": True})
NEVER: Final = "0001-01-01T00:00:00"
SHOWN_DAYS: Final = timedelta(days=90)
LONGEST_NAME: Final = 60
DEFAULT_NAME: Final = "Instance"
NAME_TRIES: Final = 4
LONGEST_NUMBER: Final = 18


async def serve(parts: Parts, principal: Principal, method: Method, scene: Scene, params: Mapping[str, Any]) -> Answer:
    """The answer to a partner whose token is good."""
    try:
        if method.name == "createInstance":
            return await _create(parts, principal, scene, params)
        if method.name == "getInstances":
            return await _rows(parts, principal)
        return await _delete(parts, principal, scene, params)
    except PaymentNeeded as error:
        return _refused(402, error)
    except AppError as error:
        if error.status >= 500:
            log.warning("partner_call_failed", code=error.code)
        return _refused(error.status, error)


async def _create(parts: Parts, principal: Principal, scene: Scene, params: Mapping[str, Any]) -> Answer:
    name = params.get("name", "")
    if not isinstance(name, str):
        return wording.invalid(scene, "'name' must be a string")
    try:
        settings = switches.split(params)[0] if _has_settings(params) else {}
        if url := settings.get(switches.URL):
            parts.egress.check_url(url, f"#/{switches.URL}")
    except InvalidRequest as error:
        detail = error.detail or ""
        return wording.invalid(scene, detail if detail.startswith("'") else f"'{switches.URL}' must be a valid uri")
    wanted = title(name)
    for left in reversed(range(NAME_TRIES)):
        try:
            async with parts.database.begin(principal.tenant) as uow:
                return await _made(uow, parts, principal, wanted, settings)
        except NameTaken:
            if not left:
                raise
            wanted = f"{title(name)[: LONGEST_NAME - 5].rstrip()} {secrets.token_hex(2)}"
    raise AssertionError("unreachable")


async def _made(uow: UnitOfWork, parts: Parts, principal: Principal, name: str, settings: dict[str, str]) -> Answer:
    instance, _ = await instances.request_instance(
        uow,
        tenant_id=principal.tenant,
        environment=principal.environment,
        name=name,
        provider=await creation.choose(parts.database, parts.registry, principal.environment),
        metadata={},
        options=parts.instance_options,
        is_ours_to_choose=True,
    )
    line = await lines.ensure(uow, instance)
    if settings:
        await lines.change(uow, line, dict(settings))
    number, token = await lines.shown(uow, line)
    return told({"idInstance": number, "apiTokenInstance": token, "typeInstance": "whatsapp"})


async def _rows(parts: Parts, principal: Principal) -> Answer:
    async with parts.database.begin(principal.tenant) as uow:
        query = (
            uow.owned(Instance)
            .where(
                Instance.environment == principal.environment,
                (Instance.status != "deleted") | (Instance.deleted_at > uow.now - SHOWN_DAYS),
            )
            .order_by(Instance.id)
        )
        rows = list((await uow.session.scalars(query)).all())
        access = await plans.access(uow, principal.tenant, [row.id for row in rows])
        shown = await lines.shown_of(uow, principal.tenant, rows)
        return told([_row(row, *shown[row.id], access.get(row.id)) for row in rows if row.id in shown])


async def _delete(parts: Parts, principal: Principal, scene: Scene, params: Mapping[str, Any]) -> Answer:
    number = params.get("idInstance")
    if isinstance(number, str) and number.isascii() and number.isdecimal() and len(number) <= LONGEST_NUMBER:
        number = int(number)
    if isinstance(number, bool) or not isinstance(number, int) or not -(2**63) < number < 2**63:
        return wording.invalid(scene, "'idInstance' must be a number")
    async with parts.database.begin(principal.tenant) as uow:
        query = select(Line).where(Line.tenant_id == principal.tenant, Line.number == number)
        line = (await uow.session.scalars(query)).one_or_none()
        if line is None:
            return NOT_FOUND
        try:
            instance = await instances.find(uow, line.instance_id, principal)
            if instance.status == "deleting":
                return NOT_FOUND
            await instances.request_deletion(uow, instance)
        except (NotFound, Gone, Conflict):
            return NOT_FOUND
    parts.authenticator.forget(number)
    return DELETED


def title(name: str) -> str:
    """A name as ours may be: one line of 60 characters at most."""
    name = re.sub(r"\s+", " ", "".join(each if each.isprintable() else " " for each in name)).strip()[:LONGEST_NAME]
    return name.rstrip() if name and re.fullmatch(TITLE, name.rstrip()) else DEFAULT_NAME


def _has_settings(params: Mapping[str, Any]) -> bool:
    return any(name in switches.SWITCHES or name in (switches.URL, switches.TOKEN) for name in params)


def _row(instance: Instance, number: int, token: str, access: Access | None) -> dict[str, Any]:
    is_deleted = instance.status in ("deleting", "deleted")
    ends = None if access is None else access.trial_ends_at or access.paid_through_at
    if access is not None and access.billing_mode == "live":
        ends = access.paid_through_at
    return {
        "idInstance": number,
        "name": instance.name,
        "typeInstance": "whatsapp",
        "typeAccount": "",
        "partnerUserUiid": "",
        "timeCreated": to_wire(instance.created_at),
        "timeDeleted": to_wire(instance.deleted_at) if instance.deleted_at else NEVER,
        "apiTokenInstance": "" if is_deleted else token,
        "deleted": is_deleted,
        "tariff": "" if access is None else access.plan.upper(),
        "isFree": access is not None and access.billing_mode == "trial",
        "isPartner": True,
        "expirationDate": _local(ends),
        "isExpired": access is not None and access.reason in ("trial_expired", "payment_due"),
    }


def _local(instant: datetime | None) -> str:
    return NEVER if instant is None else instant.replace(tzinfo=None).isoformat(timespec="seconds")


def _refused(code: int, error: AppError) -> Answer:
    return told({"code": code, "description": error.detail or error.title()})
