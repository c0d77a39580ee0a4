"""Routes of the WhatsApp account behind an instance, and of how it behaves."""

from typing import Annotated

from litestar import Controller, get, patch, put
from litestar.di import NamedDependency
from litestar.params import FromQuery, JSONBody, QueryParameter
from msgspec import UNSET

from app.accounts.auth import requires
from app.accounts.scopes import Scope
from app.providers import asks
from app.typed.asking import ASKING, Asking
from app.typed.chats import nothing_to_change
from app.typed.pictures import PictureOperation, picture_of
from app.typed.schemas.account import (
    AccountPicture,
    AccountProfile,
    DeviceView,
    LinkHistory,
    SettingsChange,
    SettingsView,
)
from app.typed.schemas.common import shown

READ, WRITE = [requires(Scope.INSTANCES_READ)], [requires(Scope.INSTANCES_WRITE)]
Count = Annotated[int, QueryParameter(name="limit", ge=1, le=1000, description="How many at most.")]


class SettingsController(Controller):
    """How the account behaves. Where notifications go is said by webhook endpoints, not here."""

    path = "/v1/instances/{instance_id:str}/settings"
    tags = ("Linked account",)
    dependencies = ASKING

    @get("/", operation_id="getSettings", summary="Get settings", guards=READ)
    async def get_settings(self, asking: NamedDependency[Asking]) -> SettingsView:
        """How the account behaves now."""
        return shown(SettingsView, await asking.ask(asks.ReadSettings()))

    @patch("/", operation_id="updateSettings", summary="Update settings", status_code=204, guards=WRITE)
    async def update_settings(self, asking: NamedDependency[Asking], data: JSONBody[SettingsChange]) -> None:
        """Change how the account behaves; what is left out stays.

        The account restarts for it: for up to five minutes it answers 409 `instance_not_ready`, and messages wait.
        """
        given = {name: getattr(data, name) for name in data.__struct_fields__}
        changes = {name: value for name, value in given.items() if value is not UNSET}
        if not changes:
            raise nothing_to_change()
        await asking.ask(asks.WriteSettings(**changes))


class LinkedAccountController(Controller):
    """Who is linked."""

    path = "/v1/instances/{instance_id:str}/account"
    tags = ("Linked account",)
    dependencies = ASKING

    @get("/", operation_id="getLinkedAccount", summary="Get the linked account", guards=READ)
    async def get_account(self, asking: NamedDependency[Asking]) -> AccountProfile:
        """The WhatsApp account that is linked, as the gateway tells it now."""
        return shown(AccountProfile, await asking.ask(asks.ReadAccount()))

    @get("/device", operation_id="getLinkedDevice", summary="Get the phone", guards=READ)
    async def get_device(self, asking: NamedDependency[Asking]) -> DeviceView:
        """The phone behind the account, as far as it is told."""
        return shown(DeviceView, await asking.ask(asks.ReadDevice()))

    @get("/history", operation_id="listLinkHistory", summary="List the link's history", guards=READ)
    async def list_history(self, asking: NamedDependency[Asking], limit: FromQuery[Count] = 100) -> LinkHistory:
        """When a phone was linked, unlinked or blocked, newest first."""
        return LinkHistory(await asking.ask(asks.StateHistory(limit)))

    @put(
        "/picture",
        operation_id="setAccountPicture",
        summary="Set the account's picture",
        guards=WRITE,
        operation_class=PictureOperation,
    )
    async def set_picture(self, asking: NamedDependency[Asking]) -> AccountPicture:
        """Give the account a picture: a JPEG of at most 5 MB as the body, or as the one file of a form.

        The gateway takes one in ten seconds.
        """
        return shown(AccountPicture, await asking.ask(asks.SetProfilePicture(await picture_of(asking))))
