"""Routes by which people come in and go out."""

from litestar import Controller, delete, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from app.accounts import addresses, codes
from app.accounts import service as accounts
from app.accounts.auth import requires
from app.accounts.codes import InvalidCode
from app.accounts.principal import Principal
from app.instances.options import Options
from app.kit.db import SYSTEM, Database, UnitOfWork
from app.kit.errors import FieldError, InvalidRequest
from app.onboarding import service
from app.onboarding.schemas import EmailCodeCreate, EmailCodeSent, SessionCreate, SessionView, SignUp, session_view
from app.providers.registry import Registry

SENT = EmailCodeSent("email_code", int(codes.LIFE.total_seconds()))


class TermsNotAccepted(InvalidRequest):
    """The terms must be accepted."""


class AuthController(Controller):
    """Signing up, in and out. No password is ever asked."""

    path = "/v1/auth"
    tags = ("Sign-up and sign-in",)

    @post("/sign_ups", status_code=202, operation_id="signUp", summary="Sign up", opt={"public": True})
    async def sign_up(self, database: NamedDependency[Database], data: JSONBody[SignUp]) -> EmailCodeSent:
        """Mail a code that confirms the address; `createSession` with it opens the account.

        The answer is the same whether the address has an account or not. At most five codes an hour go to one address.
        """
        if not data.accept_terms:
            raise TermsNotAccepted(errors=(FieldError("#/accept_terms", "invalid_value", "Must be true."),))
        address = addresses.parse(data.email)
        async with database.begin(SYSTEM) as uow:
            await codes.request(uow, address, organization_name=data.organization_name, locale=data.locale)
        return SENT

    @post("/email_codes", status_code=202, operation_id="requestEmailCode", summary="Mail a code", opt={"public": True})
    async def request_email_code(
        self, database: NamedDependency[Database], data: JSONBody[EmailCodeCreate]
    ) -> EmailCodeSent:
        """Mail a code to sign in with. The answer is the same whether the address has an account or not."""
        address = addresses.parse(data.email)
        async with database.begin(SYSTEM) as uow:
            await codes.request(uow, address, organization_name=None, locale=data.locale)
        return SENT

    @post("/sessions", status_code=201, operation_id="createSession", summary="Sign in", opt={"public": True})
    async def create_session(
        self,
        database: NamedDependency[Database],
        registry: NamedDependency[Registry],
        instance_options: NamedDependency[Options],
        data: JSONBody[SessionCreate],
    ) -> SessionView:
        """Exchange a mailed code for a session.

        The first time, this opens the account: the organization, a first API key, and a first instance, whose
        operation can be watched. A code works once, for ten minutes, and bears five tries.
        """
        address = addresses.parse(data.email)
        async with database.begin(SYSTEM) as uow:
            signed_in = await service.sign_in(uow, address, data.code, registry=registry, options=instance_options)
        if signed_in is None:  # told after the commit, or the try would not be counted
            raise InvalidCode()
        return session_view(signed_in)

    @delete("/sessions/current", operation_id="deleteSession", summary="Sign out", guards=[requires()])
    async def delete_session(self, uow: NamedDependency[UnitOfWork], principal: NamedDependency[Principal]) -> None:
        """End the session of the request, within a second everywhere."""
        await accounts.end_session(uow, principal)
