"""The verbs of hooks: what a channel's settings are, how they change, what is kept for whom, and a try of one hook.

A `Line` that is handed in says whose it is and may be older than its row, as in `app.lines.service`.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from app.accounts.vault import Vault, open_vault
from app.jobs import PushHook
from app.kit.db import UnitOfWork
from app.kit.egress import Egress, Reply
from app.kit.errors import Gone
from app.kit.ids import new_id
from app.lines import store as lines_store
from app.lines.channel_words import happenings, values
from app.lines.channel_words.happenings import Told
from app.lines.hooks import rules, store
from app.lines.hooks.rules import Hook, SettingRefused
from app.lines.models import Line, LineHook

CheckUrl = Callable[[str, str], None]
JSON: Final = "application/json"


async def settings_of(uow: UnitOfWork, line: Line) -> dict[str, Any]:
    """A channel's settings as its owner is shown them, headers of hooks in clear; those of a new one if none was set.

    Raises:
        Gone: the line was erased.
    """
    row = await lines_store.get(uow, line.tenant_id, line.instance_id)
    if row is None:
        raise Gone()
    return await _settings(uow, row)


async def change_settings(
    uow: UnitOfWork, line: Line, told: dict[str, Any], *, check_url: CheckUrl | None = None
) -> dict[str, Any]:
    """Change what is told, at once: `{"before_update": …, "after_update": …, "changes": […]}`.

    The list of webhooks is replaced as a whole. One whose address stays keeps what waits for it, and is tried anew
    without a pause; what waits for one that goes is forgotten. Fields of no concern here are passed over. `check_url`
    refuses addresses that nothing may be sent to (`Egress.check_url`).

    Raises:
        SettingRefused, UrlRefused: nothing was changed. Gone: the line was erased.
    """
    changes = rules.read(told)
    if check_url is not None:
        for place, hook in enumerate(changes.hooks or ()):
            check_url(hook.url, f"#/{rules.WEBHOOKS}/{place}/url")
    row = await _held(uow, line)
    before = await _settings(uow, row)
    row.channel_settings = {**(row.channel_settings or {}), **changes.plain}
    if changes.hooks is not None:
        await _replace(uow, row, changes.hooks)
    await uow.session.flush()
    after = await _settings(uow, row)
    return {
        "before_update": before,
        "after_update": after,
        "changes": [name for name in after if after[name] != before.get(name)],
    }


async def reset_settings(uow: UnitOfWork, line: Line) -> bool:
    """Back to what a new channel has, without hooks; False when it is so already.

    Raises:
        Gone: the line was erased.
    """
    row = await _held(uow, line)
    hooks = await store.of_line(uow, row.tenant_id, row.instance_id)
    was_set = bool(hooks) or any(rules.DEFAULTS.get(name) != it for name, it in (row.channel_settings or {}).items())
    for hook in hooks:
        await store.remove(uow, hook)
    row.channel_settings = None
    await uow.session.flush()
    return was_set


async def keep(uow: UnitOfWork, line: Line, told: Sequence[Told]) -> None:
    """Keep events for the hooks that ask for them; the line must be held, so that the order is that of the commits."""
    if line.channel_settings is None or not told:
        return
    rows: list[dict[str, Any]] = []
    encoded = [(event, msgspec.json.encode(event.payload).decode()) for event in told]
    for hook in await store.of_line(uow, line.tenant_id, line.instance_id):
        asked = [(event, text, rules.verb_for(hook.events, event.type, event.verb)) for event, text in encoded]
        mine = [
            {"tenant_id": hook.tenant_id, "hook_id": hook.id, "type": event.type, "verb": verb, "payload": text}
            for event, text, verb in asked
            if verb is not None
        ]
        if mine:
            rows += mine
            uow.defer(_job(hook), after_seconds=pause_seconds(hook, line, uow.now))
    if rows:
        await store.keep(uow, rows)


async def waiting(uow: UnitOfWork, line: Line) -> int:
    """How many events wait for a line's hooks."""
    return await store.count(uow, line.tenant_id, line.instance_id)


async def clean(uow: UnitOfWork, limit: int) -> int:
    """Delete a portion of what nobody took within its time; how many. Needs the system's scope."""
    return await store.forget_old(uow, limit)


async def send_sample(egress: Egress, line: Line, told: Mapping[str, Any], now: datetime) -> Reply:
    """Send a made-up event of a type to an address, as a hook would get it; keeps nothing and needs no transaction.

    `told` has `type`, `url`, `mode` and perhaps `headers`.

    Raises:
        SettingRefused, UrlRefused: nothing was sent.
    """
    hook, type_ = rules.read_hook(told), told.get("type")
    if not isinstance(type_, str) or type_ not in rules.TYPES:
        text = f"type must be one of {', '.join(rules.TYPES)}"
        raise SettingRefused(text)
    egress.check_url(hook.url)
    event = happenings.sample(type_, number=line.number, now=now)
    verb, url = rules.address(hook.url, hook.mode, event.type, event.verb)
    return await egress.send(verb, url, body_of(event, hook.mode, line.number), {"Content-Type": JSON, **hook.headers})


def body_of(event: Told, mode: str, number: int) -> bytes:
    """What is sent."""
    return msgspec.json.encode(happenings.framed(event, mode=mode, channel_id=values.channel_id(number)))


async def headers_of(uow: UnitOfWork, hook: LineHook) -> dict[str, str]:
    """A hook's own headers in clear."""
    return {} if hook.headers_sealed is None else _opened(await open_vault(uow, hook.tenant_id), hook)


def pause_seconds(hook: LineHook, line: Line, now: datetime) -> float:
    """How long a hook is not to be tried again; a clock that went back prolongs no pause."""
    left = (hook.push_at - now).total_seconds() if hook.push_at else 0.0
    return left if 0.0 < left <= rules.wait_seconds(line.channel_settings or {}, hook.push_failures) else 0.0


async def _held(uow: UnitOfWork, line: Line) -> Line:
    row = await lines_store.lock(uow, line.tenant_id, line.instance_id)
    if row is None:
        raise Gone()
    return row


async def _settings(uow: UnitOfWork, line: Line) -> dict[str, Any]:
    known = {**rules.DEFAULTS, **(line.channel_settings or {})}
    hooks = await store.of_line(uow, line.tenant_id, line.instance_id)
    if not hooks:
        return {**known, rules.WEBHOOKS: [], **rules.FIXED}
    vault = await open_vault(uow, line.tenant_id)
    shown = [_hook(hook, _opened(vault, hook)).shown() for hook in hooks]
    return {**known, rules.WEBHOOKS: shown, **rules.FIXED}


async def _replace(uow: UnitOfWork, line: Line, hooks: Sequence[Hook]) -> None:
    known = await store.of_line(uow, line.tenant_id, line.instance_id)
    vault = await open_vault(uow, line.tenant_id)
    for place, hook in enumerate(hooks):
        row = next((row for row in known if row.url == hook.url), None)
        if row is None:
            row = LineHook(tenant_id=line.tenant_id, id=new_id(), instance_id=line.instance_id, created_at=uow.now)
            row.version = 0
            uow.session.add(row)
        else:
            known.remove(row)
        row.position, row.url, row.mode = place, hook.url, hook.mode
        row.events, row.max_age_seconds = hook.events, hook.max_age_seconds
        row.headers_sealed = vault.seal(json.dumps(hook.headers), _place(row.id)) if hook.headers else None
        row.push_at, row.push_failures = None, 0
        row.version += 1
        uow.defer(_job(row))
    for row in known:
        await store.remove(uow, row)


def _hook(row: LineHook, headers: dict[str, str]) -> Hook:
    return Hook(row.url, row.mode, row.events, headers, row.max_age_seconds)


def _opened(vault: Vault, hook: LineHook) -> dict[str, str]:
    if hook.headers_sealed is None:
        return {}
    found: dict[str, str] = json.loads(vault.open(hook.headers_sealed, _place(hook.id)))
    return found


def _job(hook: LineHook) -> PushHook:
    return PushHook(ref=hook.id, tenant_id=hook.tenant_id)


def _place(hook_id: UUID) -> str:
    return f"line_hooks.headers|{hook_id}"
