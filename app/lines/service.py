"""The verbs of lines. Sources: GREEN-API notifications, SetSettings and queues pages (read 2026-11-21).

A `Line` that is handed in says whose it is and may be older than its row: what is told or changed is read anew.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec

from app.accounts.vault import open_vault
from app.instances.models import Instance
from app.jobs import PushNotices
from app.kit import clock
from app.kit.crypto import Keyring, digest, same
from app.kit.db import UnitOfWork
from app.kit.errors import Gone
from app.lines import rewriting, store, switches, tokens
from app.lines.channel_words import happenings
from app.lines.hooks import service as hooks
from app.lines.models import KeptNotice, Line
from app.lines.rewriting import Links
from app.lines.words import notices
from app.plans import gate
from app.plans import service as plans
from app.providers.events import Notification, StateChanged
from app.providers.port import Link

PAUSE_SECONDS: Final = 60.0
CLEAR_EVERY: Final = timedelta(minutes=1)
CORRESPONDENTS: Final = "correspondents"
NATIVE: Final = "green_api"
"""The words of a line's own queue."""
CheckUrl = Callable[[str, str], None]


@dataclass(frozen=True)
class Cleared:
    """Whether the queue was cleared; if not, after how many seconds it may be."""

    is_cleared: bool
    left_seconds: int = 0


async def ensure(uow: UnitOfWork, instance: Instance) -> Line:
    """The line of an instance, made at the first call: its number and token stay what they are.

    Raises:
        Gone: the instance is being or was deleted.
    """
    _staying(instance)
    known = await store.get(uow, instance.tenant_id, instance.id)
    if known is not None:
        return known
    vault = await open_vault(uow, instance.tenant_id)
    token = tokens.new_token()
    made = Line(
        tenant_id=instance.tenant_id,
        instance_id=instance.id,
        token_hash=uow.keyring.fingerprint(token),
        token_sealed=vault.seal(token, _token_place(instance.id)),
    )
    await store.add(uow, made)
    return await _read(uow, made)


async def shown(uow: UnitOfWork, line: Line) -> tuple[int, str]:
    """The line's number and its token in clear.

    Raises:
        Gone: the line was erased.
    """
    row = await _read(uow, line)
    vault = await open_vault(uow, row.tenant_id)
    return row.number, vault.open(row.token_sealed, _token_place(row.instance_id))


async def shown_of(uow: UnitOfWork, tenant_id: UUID, rows: Sequence[Instance]) -> dict[UUID, tuple[int, str]]:
    """What `shown` tells, of many instances of a tenant by their ids; a line that is missing is made, as by `ensure`.

    An instance that leaves and has no line is left out.
    """
    found = await store.of_instances(uow, tenant_id, [row.id for row in rows])
    known = {line.instance_id for line in found}
    found += [await ensure(uow, row) for row in rows if row.id not in known and _is_staying(row)]
    if not found:
        return {}
    vault = await open_vault(uow, tenant_id)
    return {
        line.instance_id: (line.number, vault.open(line.token_sealed, _token_place(line.instance_id))) for line in found
    }


async def rotate(uow: UnitOfWork, line: Line) -> str:
    """A new token; the old one is nobody's from the commit on.

    Raises:
        Gone: the line was erased.
    """
    row = await _hold(uow, line)
    vault = await open_vault(uow, row.tenant_id)
    token = tokens.new_token()
    row.token_hash = uow.keyring.fingerprint(token)
    row.token_sealed = vault.seal(token, _token_place(row.instance_id))
    row.version += 1
    await uow.session.flush()
    return token


async def by_number(uow: UnitOfWork, number: int) -> Line | None:
    """The line of a number, in the system's scope; None when there is none or its instance is leaving."""
    return await store.by_number(uow, number)


async def of(uow: UnitOfWork, tenant_id: UUID, instance_id: UUID) -> Line | None:
    """The line of an instance, if it has one."""
    return await store.get(uow, tenant_id, instance_id)


def well_formed(token: str) -> bool:
    """Whether a text can be a line's token; see `tokens`."""
    return tokens.well_formed(token)


def token_is(line: Line, keyring: Keyring, token: str) -> bool:
    """Whether a text is the line's token; one that is misspelt is not even hashed."""
    return tokens.well_formed(token) and same(keyring.fingerprint(token), line.token_hash)


async def settings(uow: UnitOfWork, line: Line) -> dict[str, Any]:
    """The part of getSettings that is the tenant's own here, off where nothing was set.

    Raises:
        Gone: the line was erased.
    """
    row = await _read(uow, line)
    own = {switches.URL: row.webhook_url, switches.TOKEN: await webhook_token(uow, row)}
    return own | switches.OFF | row.settings


async def send_delay(uow: UnitOfWork, tenant_id: UUID, instance_id: UUID) -> float:
    """The pause in seconds that is kept here between two sends; it holds where the gateway has no queue."""
    line = await store.get(uow, tenant_id, instance_id)
    return 0.0 if line is None else int(line.settings.get(switches.DELAY, 0)) / 1000


async def set_send_delay(uow: UnitOfWork, line: Line, milliseconds: int) -> None:
    """Keep a pause between two sends here.

    Raises:
        Gone: the line was erased.
    """
    row = await _hold(uow, line)
    row.settings = {**row.settings, switches.DELAY: milliseconds}
    row.version += 1
    await uow.session.flush()


async def change(
    uow: UnitOfWork, line: Line, changes: dict[str, Any], *, check_url: CheckUrl | None = None
) -> dict[str, Any]:
    """Take the tenant's own settings out of what it sets, at once; returns what must be set upstream, maybe nothing.

    An address that is set, be it the same, is tried anew without a pause. `check_url` refuses addresses that
    notifications cannot go to (`Egress.check_url`). To set all or nothing, `switches.split` tells beforehand.

    Raises:
        SettingRefused, UrlRefused: nothing was changed. Gone: the line was erased.
    """
    mine, theirs = switches.split(changes)
    if check_url is not None and mine.get(switches.URL):
        check_url(mine[switches.URL], f"#/{switches.URL}")
    row = await _hold(uow, line)
    theirs |= switches.newly_asked(mine, row.settings)
    if switches.TOKEN in mine:
        vault, token = await open_vault(uow, row.tenant_id), mine[switches.TOKEN]
        row.webhook_token_sealed = vault.seal(token, _webhook_place(row.instance_id)) if token else None
    if switches.URL in mine:
        row.webhook_url, row.push_at, row.push_failures = mine[switches.URL], None, 0
        if row.webhook_url:
            uow.defer(PushNotices(ref=row.instance_id, tenant_id=row.tenant_id))
    row.settings = {**row.settings, **{name: value for name, value in mine.items() if name in switches.OFF}}
    row.version += 1
    await uow.session.flush()
    return theirs


async def keep(
    uow: UnitOfWork,
    instance: Instance,
    said: Notification,
    parsed: dict[str, Any],
    *,
    links: Links,
    words: str = NATIVE,
    was_phone: str | None = None,
) -> None:
    """Put a notification into the queue of the instance's line, if it has one and its switches want it; and for hooks.

    `parsed` is what the gateway sent, in its `words`; where they are not those of a face, what is `said` is put into
    them. `was_phone` is the number that was linked before. Comes last in a transaction: it holds the line, so that
    receipts are given in the order of the commits.
    """
    line = await store.lock(uow, instance.tenant_id, instance.id)
    if line is None:
        return
    if words != NATIVE:
        made = notices.body_of(said, number=line.number, phone=instance.phone, now=uow.now, links=links)
        if made is not None and switches.wants(line.settings, made):
            await _put(uow, line, said.kind, made)
    elif switches.wants(line.settings, parsed):
        body = rewriting.public(parsed, line, links=links, account=instance.upstream_account)
        await _put(uow, line, said.kind, body)
    if line.channel_settings is not None:
        told = happenings.told(
            said,
            number=line.number,
            phone=instance.phone or was_phone,
            since=instance.created_at,
            now=uow.now,
            links=links,
            name=instance.profile_name,
            parsed=parsed if words == happenings.WORDS else None,
        )
        await hooks.keep(uow, line, told)


async def told_state(uow: UnitOfWork, instance: Instance, link: Link, was_phone: str | None) -> None:
    """Tell a line of a state that was found by asking, and that no notification tells; `was_phone` as in `keep`."""
    what, now = StateChanged(str(link), None), uow.now
    said = Notification(
        instance.upstream_account, "state_changed", digest(f"{instance.id} {link} {now}".encode()), now, what
    )
    await keep(uow, instance, said, {}, links=lambda _, __: "", words="", was_phone=was_phone)


async def quota_exceeded(
    uow: UnitOfWork,
    line: Line,
    *,
    method: str,
    used: int,
    total: int,
    description: str,
    until: datetime | None = None,
) -> bool:
    """Tell the tenant that a quota is used up, once until it begins anew (the next month, unless told otherwise).

    `method` is in small letters, `correspondents` for chats, as in the body of a 466; `description` is ours.
    Source: GREEN-API QuotaExceeded page; the notification says QUOTA where the answer says QUOTE (read 2026-11-21).

    Raises:
        Gone: the line was erased.
    """
    if not _is_over(line.quota_told.get(method), uow.now):
        return False
    row = await _hold(uow, line)
    if not _is_over(row.quota_told.get(method), uow.now):
        return False
    until = until or clock.next_month_start(uow.now)
    row.quota_told = {**row.quota_told, method: until.isoformat()}
    await uow.session.flush()
    phone = await store.phone(uow, row)
    status = "CORRESPONDENTS_QUOTA_EXCEEDED" if method == CORRESPONDENTS else "QUOTA_EXCEEDED"
    body = {
        "typeWebhook": "quotaExceeded",
        "instanceData": {
            "idInstance": row.number,
            "wid": f"{phone}@c.us" if phone else "",
            "typeInstance": "whatsapp",
        },
        "quotaData": {
            "method": method,
            "used": used,
            "total": total,
            "status": status,
            "description": description,
        },
    }
    await _put(uow, row, "quota_exceeded", body)
    return True


async def next_notice(uow: UnitOfWork, line: Line) -> KeptNotice | None:
    """The oldest notification of the last 24 hours; the same one until it is acknowledged."""
    return await store.oldest(uow, line.tenant_id, line.instance_id)


async def is_withheld(uow: UnitOfWork, line: Line) -> bool:
    """Whether nothing is told of a line for now, however it is told: it is suspended, or not paid for."""
    if await store.is_suspended(uow, line):
        return True
    access = (await plans.access(uow, line.tenant_id, [line.instance_id])).get(line.instance_id)
    return access is not None and access.reason == gate.PAYMENT_DUE


async def acknowledge(uow: UnitOfWork, line: Line, receipt: int) -> bool:
    """Take a notification out for good; False when there is none of this receipt."""
    if not 0 < receipt < 2**63:
        return False
    return await store.drop(uow, line.tenant_id, line.instance_id, receipt)


async def count(uow: UnitOfWork, line: Line) -> int:
    """How many notifications wait."""
    return await store.count(uow, line.tenant_id, line.instance_id)


async def clear(uow: UnitOfWork, line: Line) -> Cleared:
    """Take every notification out, once a minute. Source: GREEN-API ClearWebhooksQueue page (read 2026-11-21)."""
    if await store.mark_cleared(uow, line.tenant_id, line.instance_id, CLEAR_EVERY):
        await store.clear(uow, line.tenant_id, line.instance_id)
        return Cleared(True)
    row = await _read(uow, line)
    left = CLEAR_EVERY - (uow.now - (row.cleared_at or uow.now))
    return Cleared(False, min(max(1, math.ceil(left.total_seconds())), 60))


async def clean(uow: UnitOfWork, limit: int) -> int:
    """Delete a portion of what was told to nobody within its day, or a hook's two; how many. In the system's scope."""
    return max(await store.forget_old(uow, limit), await hooks.clean(uow, limit))


async def webhook_token(uow: UnitOfWork, line: Line) -> str:
    """What the tenant wants in the Authorization header of its notifications, in clear."""
    if line.webhook_token_sealed is None:
        return ""
    vault = await open_vault(uow, line.tenant_id)
    return vault.open(line.webhook_token_sealed, _webhook_place(line.instance_id))


def pause_seconds(line: Line, now: datetime) -> float:
    """How long the oldest notification is not to be tried again; a clock that went back prolongs no pause."""
    left = (line.push_at - now).total_seconds() if line.push_at else 0.0
    return left if 0.0 < left <= PAUSE_SECONDS else 0.0


async def _put(uow: UnitOfWork, line: Line, kind: str, body: dict[str, Any]) -> None:
    await store.keep(uow, line, kind, msgspec.json.encode(body).decode())
    if line.webhook_url:
        job = PushNotices(ref=line.instance_id, tenant_id=line.tenant_id)
        uow.defer(job, after_seconds=pause_seconds(line, uow.now))


async def _read(uow: UnitOfWork, line: Line) -> Line:
    row = await store.get(uow, line.tenant_id, line.instance_id)
    if row is None:
        raise Gone()
    return row


async def _hold(uow: UnitOfWork, line: Line) -> Line:
    row = await store.lock(uow, line.tenant_id, line.instance_id)
    if row is None:
        raise Gone()
    return row


def _staying(instance: Instance) -> None:
    if not _is_staying(instance):
        raise Gone()


def _is_staying(instance: Instance) -> bool:
    return instance.status not in store.LEAVING and instance.wanted


def _is_over(until: str | None, now: datetime) -> bool:
    return until is None or datetime.fromisoformat(until) <= now


def _token_place(instance_id: UUID) -> str:
    return f"lines.token|{instance_id}"


def _webhook_place(instance_id: UUID) -> str:
    return f"lines.webhook_token|{instance_id}"
