"""The command `sublet`: serving, migrating, and the operator's daily work."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import rich_click as click
from alembic.util import CommandError

from app import migrate as migrations
from app.accounts import service as accounts
from app.accounts.models import OperatorKey
from app.admin import coverage, moves, suppliers
from app.admin import service as admin
from app.admin.schemas import MOST_DAYS, GatewayName
from app.admin.suppliers_schemas import MOST_WEIGHT, SupplierCheck
from app.instances.models import STATUSES
from app.kit.clock import to_wire as instant
from app.kit.db import UnitOfWork
from app.kit.log import configure
from app.kit.wire import Line, Name, Reference
from app.main import create_app
from app.openapi import contract as polished
from app.providers import wings
from app.runtime import Runtime
from app.serve import CannotListen
from app.serve import run as run_api
from app.settings import Settings, SettingsInvalid
from app.terminal import (
    DATABASE_ERRORS,
    EXIT_FAILED,
    EXIT_NOT_FOUND,
    EXIT_USAGE,
    fail,
    fail_of_database,
    load,
    plain,
    run,
    show,
    text,
    trip,
)

CONTRACT: Final = Path(__file__).parent.parent / "openapi" / "openapi.json"
ALL_AT_ONCE: Final = 100
NAME: Final = text(Name, "a name of 1 to 60 characters")
LINE: Final = text(Line, "one line of at most 500 characters")
REFERENCE: Final = text(Reference, "one line of 1 to 255 characters")
GATEWAY: Final = text(GatewayName, "a gateway's name, such as `whapi`")
DAYS: Final = click.IntRange(1, MOST_DAYS)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="sublet")
def cli() -> None:
    """Sublet: rent WhatsApp gateway instances to your customers, under your brand."""


@cli.command()
@click.option("--host", help="Address to listen on; loopback unless told otherwise.")
@click.option("--port", type=int, help="Port to listen on.")
@click.option(
    "--processes", type=click.IntRange(min=1), help="Processes that share the port; one unless told otherwise."
)
def serve(host: str | None, port: int | None, processes: int | None) -> None:
    """Run the API."""
    settings = load()
    chosen = replace(
        settings,
        host=host or settings.host,
        port=settings.port if port is None else port,
        processes=processes or settings.processes,
    )
    try:
        sys.exit(run_api(chosen))
    except CannotListen as error:
        fail(str(error), EXIT_FAILED)


@cli.command()
@click.option("--revision", default="head", show_default=True, help="Where to go; `head` is the newest.")
def migrate(revision: str) -> None:
    """Bring the database to where this version expects it (needs SUBLET_OWNER_DATABASE_URL)."""
    settings = load()
    if not settings.owner_database_url:
        fail("SUBLET_OWNER_DATABASE_URL is not set", EXIT_USAGE)
    try:
        migrations.upgrade(settings.owner_database_url, revision)
    except CommandError as error:
        fail(str(error), EXIT_USAGE)
    except DATABASE_ERRORS as error:
        fail_of_database(error)
    click.echo(f"migrated to {migrations.head() if revision == 'head' else revision}")


@cli.command()
@click.option("--write", is_flag=True, help="Write openapi/openapi.json instead of printing.")
def openapi(write: bool) -> None:
    """Print the API's contract."""
    made = contract()
    if write:
        CONTRACT.write_text(made, encoding="utf-8")
        click.echo(f"wrote {CONTRACT.name}")
    else:
        click.echo(made, nl=False)


def contract() -> str:
    """The OpenAPI document as committed, with one trailing newline."""
    return json.dumps(polished(create_app(None)), indent=1, ensure_ascii=False) + "\n"


@cli.command("config")
def config_show() -> None:
    """Show every setting; secrets stay hidden."""
    for name, value in load().shown().items():
        click.echo(f"{name}={value}")


@cli.group("operator-keys")
def operator_keys() -> None:
    """Keys for the operator API."""


@operator_keys.command("create")
@click.option("--name", type=NAME, required=True, help="What it is for.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def operator_keys_create(name: str, as_json: bool) -> None:
    """Make a key; its secret is shown this once."""

    async def make(uow: UnitOfWork, _: Runtime) -> dict[str, Any]:
        key, secret = await accounts.create_operator_key(uow, name)
        return {"id": str(key.id), "name": name, "secret": secret}

    made = run(make)
    click.echo(json.dumps(made) if as_json else made["secret"])


@operator_keys.command("list")
@click.option("-o", "--output", type=click.Choice(["table", "json", "id"]), default="table")
def operator_keys_list(output: str) -> None:
    """List keys, newest first; no secret is among what is told."""

    async def read(uow: UnitOfWork, _: Runtime) -> list[dict[str, Any]]:
        return [_key(each) for each in await accounts.list_operator_keys(uow)]

    show(run(read), ["id", "name", "last4", "created_at", "revoked_at"], output)


@operator_keys.command("revoke")
@click.argument("key_id", type=click.UUID)
def operator_keys_revoke(key_id: UUID) -> None:
    """End a key, within a second; ending it again changes nothing."""

    async def act(uow: UnitOfWork, _: Runtime) -> dict[str, Any]:
        return _key(await accounts.revoke_operator_key(uow, key_id))

    click.echo(json.dumps(run(act), indent=2))


def _key(key: OperatorKey) -> dict[str, Any]:
    revoked_at = instant(key.revoked_at) if key.revoked_at else None
    return {
        "id": str(key.id),
        "name": key.name,
        "last4": key.last4,
        "created_at": instant(key.created_at),
        "revoked_at": revoked_at,
    }


@cli.group()
def instances() -> None:
    """The instances of all tenants."""


@instances.command("list")
@click.option("--status", type=click.Choice(STATUSES), help="Only those with this status.")
@click.option("-o", "--output", type=click.Choice(["table", "json", "id"]), default="table")
def instances_list(status: str | None, output: str) -> None:
    """List all instances, newest first."""

    async def read(uow: UnitOfWork, _: Runtime) -> list[dict[str, Any]]:
        page = await admin.list_instances(uow, status=status, limit=ALL_AT_ONCE, cursor=None)
        found = [*page.data]
        while page.next_cursor is not None:
            page = await admin.list_instances(uow, status=status, limit=ALL_AT_ONCE, cursor=page.next_cursor)
            found += page.data
        return [plain(each) for each in found]

    columns = ["id", "name", "provider", "environment", "status", "connection", "billing_mode", "paid_through_at"]
    show(run(read), [*columns, "remains_of"], output)


@instances.command("go-live")
@click.argument("instance_id")
@click.option("--days", type=DAYS, required=True, help="How many days are paid.")
@click.option(
    "--reference", type=REFERENCE, required=True, help="Your payment's reference; the same one is booked once."
)
def instances_go_live(instance_id: str, days: int, reference: str) -> None:
    """Take an instance from trial to live, or extend it, by days."""

    async def act(uow: UnitOfWork, _: Runtime) -> dict[str, Any]:
        return plain(await admin.go_live(uow, instance_id, days=days, reference=reference, actor="cli"))

    click.echo(json.dumps(run(act), indent=2))


@instances.command("extend")
@click.argument("instance_id")
@click.option("--days", type=DAYS, required=True, help="How many days are paid.")
@click.option(
    "--reference", type=REFERENCE, required=True, help="Your payment's reference; the same one is booked once."
)
@click.pass_context
def instances_extend(context: click.Context, instance_id: str, days: int, reference: str) -> None:
    """Add paid days; the same as go-live, so an instance on trial is live from then on."""
    context.invoke(instances_go_live, instance_id=instance_id, days=days, reference=reference)


@instances.command("retry")
@click.argument("instance_id")
def instances_retry(instance_id: str) -> None:
    """Provision an instance again whose provisioning failed."""

    async def act(uow: UnitOfWork, _: Runtime) -> dict[str, Any]:
        return plain(await admin.retry(uow, instance_id))

    click.echo(json.dumps(run(act), indent=2))


@instances.command("move")
@click.argument("instance_id")
@click.option("--to", "provider", type=GATEWAY, help="The gateway; without it one is chosen.")
def instances_move(instance_id: str, provider: str | None) -> None:
    """Move an instance to another gateway; its phone is to be linked anew."""

    async def act(uow: UnitOfWork, runtime: Runtime) -> dict[str, Any]:
        return plain(await moves.move(uow, runtime.registry, runtime.instance_options, instance_id, to=provider))

    click.echo(json.dumps(run(act), indent=2))


@cli.command()
@click.option("--apply", "apply_now", is_flag=True, help="Repair by policy instead of only telling.")
@click.option(
    "--approve", is_flag=True, help="With --apply: delete even where so much would be deleted that it is held."
)
def reconcile(apply_now: bool, approve: bool) -> None:
    """Compare the upstream's listing with our rows; tells what would be done unless --apply. 1 when one could not be
    read.
    """
    if approve and not apply_now:
        fail("--approve goes with --apply", EXIT_USAGE)

    async def compare(runtime: Runtime) -> list[dict[str, Any]]:
        differences = await admin.compare_listing(
            runtime.database, runtime.registry, runtime.instance_options, dry_run=not apply_now, approved=approve
        )
        return [plain(difference) for difference in differences]

    found = trip(compare)
    show(found, ["kind", "environment", "subject", "tag", "sightings", "action"], "table")
    if any(each["kind"] == "unread" for each in found):
        fail("an account's listing could not be read; `sublet providers check` says why", EXIT_FAILED)


@cli.group()
def providers() -> None:
    """The gateways that instances are rented from."""


Environment = click.Choice(["live", "test"])
WHERE: Final = click.option("--environment", type=Environment, default="live", show_default=True)


@providers.command("list")
@click.option("-o", "--output", type=click.Choice(["table", "json"]), default="table")
def providers_list(output: str) -> None:
    """List gateways with weight, health and limit."""

    async def read(uow: UnitOfWork, runtime: Runtime) -> list[dict[str, Any]]:
        return [plain(each) for each in await suppliers.listing(uow, runtime.registry, runtime.instance_options)]

    columns = ["provider", "environment", "weight", "paused_at", "is_well", "creations_used", "waiting"]
    show(run(read), columns, output)


@providers.command("check")
@click.argument("provider", required=False)
@click.option("--environment", type=Environment, help="Only this one.")
def providers_check(provider: str | None, environment: str | None) -> None:
    """Ask gateways now, and say what is wrong in plain words; 1 when one cannot be used."""

    async def look(runtime: Runtime) -> tuple[list[SupplierCheck], list[str]]:
        there = [(name, where) for name, where, _ in runtime.registry.all()]
        wanted = [each for each in there if provider in (None, each[0]) and environment in (None, each[1])]
        those = (runtime.database, runtime.registry, runtime.instance_options)
        low_days = runtime.funding_options.low_days
        checked = [await suppliers.check(*those, *each, low_days=low_days) for each in wanted]
        return checked, [f"{name} ({where})" for name, where in there]

    found, there = trip(look)
    if not found:
        known = f"there are {', '.join(there)}" if there else "no partner token is set"
        fail(f"no such gateway is set up; {known}", EXIT_NOT_FOUND)
    for each in found:
        click.echo(f"{each.provider} ({each.environment})")
        for remark in each.remarks:
            click.echo(f"  {remark.level}: {remark.text}")
    if not all(each.is_usable for each in found):
        sys.exit(EXIT_FAILED)


@providers.command("pause")
@click.argument("provider")
@WHERE
@click.option("--reason", type=LINE, required=True, help="Why; you will see it in the list.")
def providers_pause(provider: str, environment: str, reason: str) -> None:
    """Let no new instances go to a gateway; those that it has go on."""

    async def act(uow: UnitOfWork, runtime: Runtime) -> dict[str, Any]:
        options = runtime.instance_options
        return plain(await suppliers.pause(uow, runtime.registry, options, provider, environment, reason))

    click.echo(json.dumps(run(act), indent=2))


@providers.command("resume")
@click.argument("provider")
@WHERE
def providers_resume(provider: str, environment: str) -> None:
    """Let new instances go there again."""

    async def act(uow: UnitOfWork, runtime: Runtime) -> dict[str, Any]:
        return plain(await suppliers.resume(uow, runtime.registry, runtime.instance_options, provider, environment))

    click.echo(json.dumps(run(act), indent=2))


@providers.command("weigh")
@click.argument("provider")
@click.argument("weight", type=click.IntRange(0, MOST_WEIGHT))
@WHERE
@click.option("--plan", "plans", multiple=True, help="Only for this plan; repeat for more. Without it: for all.")
def providers_weigh(provider: str, weight: int, environment: str, plans: tuple[str, ...]) -> None:
    """Set a gateway's share of new instances beside the others'; 0 is none, unless asked for by name."""

    async def act(uow: UnitOfWork, runtime: Runtime) -> dict[str, Any]:
        where = (runtime.registry, runtime.instance_options, provider, environment)
        return plain(await suppliers.weigh(uow, *where, weight=weight, plans=list(plans) or None))

    click.echo(json.dumps(run(act), indent=2))


@providers.command("evacuate")
@click.argument("provider")
@WHERE
@click.option("--to", type=GATEWAY, help="The gateway to move them to; without it one is chosen for each.")
@click.option("--limit", type=click.IntRange(1, moves.MOST), help="Only so many, oldest first; run it again for more.")
@click.option("--reason", type=LINE, default="evacuated", show_default=True, help="Why; the gateway is paused with it.")
@click.option("-o", "--output", type=click.Choice(["table", "json", "id"]), default="table")
def providers_evacuate(
    provider: str, environment: str, to: str | None, limit: int | None, reason: str, output: str
) -> None:
    """Pause a gateway and move what it has to others, as fast as they let instances be created; 1 when one stays."""

    async def act(runtime: Runtime) -> list[dict[str, str]]:
        where = (runtime.database, runtime.registry, runtime.instance_options, provider, environment)
        return await moves.evacuate(*where, reason=reason, to=to, limit=limit)

    told = trip(act)
    show(told, ["id", "result"], output)
    if any(each["result"] != moves.MOVES for each in told):
        sys.exit(EXIT_FAILED)


@providers.command("coverage")
def providers_coverage() -> None:
    """Print which gateway does what, as in docs/providers.md."""
    try:
        found = wings.find(wings.named(Settings.modules()))
    except SettingsInvalid as error:
        fail(str(error), EXIT_USAGE)
    click.echo(coverage.table(found), nl=False)


def main() -> None:
    """Entry point of `sublet` and `python -m app`."""
    configure("warning")  # what is printed is the answer alone; the log is on stderr
    cli()
