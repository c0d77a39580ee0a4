"""Finishing a sign-up is one transaction, whatever gateways are set up and wherever it breaks."""

import pytest
from sqlalchemy import func, select

from app.accounts import addresses, codes
from app.accounts.models import ApiKey, EmailCode, Tenant, User, UserSession
from app.instances.models import Instance
from app.kit.db import SYSTEM
from app.onboarding import service
from app.onboarding.service import SignedIn
from app.providers.registry import NoProvider, Registry
from app.runtime import Runtime
from app.suppliers import service as suppliers

ADA = addresses.parse("ada@example.com")


async def asked(runtime: Runtime, *, name: str | None = "Acme") -> str:
    """Ask for a code; its digits, as only the mail would tell them."""
    async with runtime.database.begin(SYSTEM) as uow:
        await codes.request(uow, ADA, organization_name=name, locale="en")
    async with runtime.database.begin(SYSTEM) as uow:
        code = (await uow.session.scalars(select(EmailCode).order_by(EmailCode.id.desc()).limit(1))).one()
        assert code.code_sealed is not None
        return uow.keyring.unseal_system(code.code_sealed, f"email_codes.code|{code.id}")


async def sign_in(runtime: Runtime, digits: str, registry: Registry | None = None) -> SignedIn | None:
    """Redeem a code."""
    async with runtime.database.begin(SYSTEM) as uow:
        return await service.sign_in(
            uow, ADA, digits, registry=registry or runtime.registry, options=runtime.instance_options
        )


def serving(runtime: Runtime, *environments: str) -> Registry:
    """The runtime's gateways, of some environments only."""
    return Registry(
        {(name, where): gateway for name, where, gateway in runtime.registry.all() if where in environments}
    )


async def counts(runtime: Runtime) -> list[int | None]:
    """How many there are of all that a sign-up makes."""
    async with runtime.database.begin(SYSTEM) as uow:
        models = (Tenant, User, UserSession, ApiKey, Instance)
        return [await uow.session.scalar(select(func.count()).select_from(model)) for model in models]


@pytest.mark.parametrize(("served", "environment"), [(("live", "test"), "live"), (("test",), "test")])
async def test_a_newcomer_begins_where_a_gateway_is_set_up(
    runtime: Runtime, served: tuple[str, ...], environment: str
) -> None:
    signed_in = await sign_in(runtime, await asked(runtime), serving(runtime, *served))
    assert signed_in is not None
    assert signed_in.first is not None
    assert signed_in.first.instance is not None
    assert signed_in.first.instance.environment == signed_in.first.api_key.environment == environment
    assert signed_in.session.environment == environment
    assert signed_in.first.secret.startswith(f"slt_sk_{environment}_")


async def test_without_a_gateway_there_is_an_account_without_an_instance(runtime: Runtime) -> None:
    signed_in = await sign_in(runtime, await asked(runtime), Registry({}))
    assert signed_in is not None
    assert signed_in.first is not None
    assert signed_in.first.instance is None
    assert signed_in.first.operation is None
    assert await counts(runtime) == [1, 1, 1, 1, 0]


async def test_a_pause_of_every_gateway_keeps_nobody_from_signing_up(runtime: Runtime) -> None:
    async with runtime.database.begin(SYSTEM) as uow:
        await suppliers.pause(uow, "green_api", "live", "night")
    signed_in = await sign_in(runtime, await asked(runtime))
    assert signed_in is not None
    assert signed_in.session.environment == "live"
    assert await counts(runtime) == [1, 1, 1, 1, 0]


async def test_a_sign_up_that_breaks_leaves_nothing_and_its_code_works_again(runtime: Runtime) -> None:
    class Breaking(Registry):
        def names(self, environment: str) -> list[str]:
            raise NoProvider("gone this moment")

    digits = await asked(runtime)
    broken = Breaking({(name, where): gateway for name, where, gateway in runtime.registry.all()})
    with pytest.raises(NoProvider):
        await sign_in(runtime, digits, broken)
    assert await counts(runtime) == [0, 0, 0, 0, 0]
    assert await sign_in(runtime, digits) is not None
    assert await counts(runtime) == [1, 1, 1, 1, 1]


async def test_a_code_for_signing_in_opens_no_account(runtime: Runtime) -> None:
    assert await sign_in(runtime, await asked(runtime, name=None)) is None
    assert await counts(runtime) == [0, 0, 0, 0, 0]


async def test_an_answer_that_never_came_is_made_good_by_a_new_code(runtime: Runtime) -> None:
    first = await sign_in(runtime, await asked(runtime))
    again = await sign_in(runtime, await asked(runtime, name=None))
    assert first is not None
    assert again is not None
    assert (again.tenant.id, again.first) == (first.tenant.id, None)
    assert await counts(runtime) == [1, 1, 2, 1, 1]


async def test_what_holds_secrets_does_not_show_them(runtime: Runtime) -> None:
    signed_in = await sign_in(runtime, await asked(runtime))
    assert signed_in is not None
    assert "slt_" not in f"{signed_in!r} {signed_in} {signed_in.first!r}"
