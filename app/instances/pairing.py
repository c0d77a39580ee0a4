"""Routes to link a phone."""

import base64
import binascii
from uuid import UUID

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from litestar.response import ServerSentEvent

from app.accounts.auth import requires
from app.accounts.principal import Principal
from app.accounts.scopes import Scope
from app.idempotency.once import Replay
from app.instances import link, pairing_links, service
from app.instances.link import PNG, InvalidPhoneNumber
from app.instances.options import Options
from app.instances.schemas import PairingLinkStart, PairingLinkView, PairingStart, PairingView
from app.instances.viewing import HUB
from app.kit import ids
from app.kit.clock import to_wire
from app.kit.db import Database
from app.kit.errors import FieldError, UpstreamError
from app.providers.registry import Registry

WRITE = [requires(Scope.INSTANCES_WRITE)]
NO_STORE = {"Cache-Control": "no-store"}


class PairingController(Controller):
    """Pictures and codes come fresh from upstream each time; none is kept."""

    path = "/v1/instances/{instance_id:str}/pairing"
    tags = ["Pairing"]  # noqa: RUF012  # Litestar reads it from the class

    @get("/", operation_id="getPairing", summary="Get a QR code", guards=WRITE)
    async def get_pairing(
        self,
        instance_id: FromPath[str],
        database: NamedDependency[Database],
        registry: NamedDependency[Registry],
        instance_options: NamedDependency[Options],
        principal: NamedDependency[Principal],
    ) -> Response[PairingView]:
        """The QR code of the moment; it changes about every 20 seconds, so fetch it again when it expires."""
        asker = await link.let_in(database, registry, instance_options, principal, _wanted(instance_id))
        qr = await link.picture(asker)
        pairing_id = ids.to_wire(ids.PAIRING, ids.new_id())
        return Response(PairingView(pairing_id, "pairing", "waiting_for_scan", "qr", qr, None), headers=NO_STORE)

    @post("/", operation_id="startPairing", summary="Start pairing", status_code=200, guards=WRITE)
    async def start_pairing(
        self,
        instance_id: FromPath[str],
        database: NamedDependency[Database],
        registry: NamedDependency[Registry],
        instance_options: NamedDependency[Options],
        principal: NamedDependency[Principal],
        data: JSONBody[PairingStart],
    ) -> Response[PairingView]:
        """A QR code to scan, or eight characters to type on the phone of a number.

        An `Idempotency-Key` is not heeded here: codes are kept nowhere, so each request gets a fresh one.
        """
        wanted = _wanted(instance_id)
        asker = await link.let_in(database, registry, instance_options, principal, wanted)
        pairing_id = ids.to_wire(ids.PAIRING, ids.new_id())
        if data.method == "qr":
            qr = await link.picture(asker)
            view = PairingView(pairing_id, "pairing", "waiting_for_scan", "qr", qr, None)
            return Response(view, headers=NO_STORE)
        if data.phone is None:
            text = "The field `phone` is required for the method `phone_code`."
            raise InvalidPhoneNumber(text, errors=(FieldError("#/phone", "required", text),))
        code = await link.code(asker, data.phone)
        HUB.tell(wanted, code)
        view = PairingView(pairing_id, "pairing", "waiting_for_code", "phone_code", None, code)
        return Response(view, headers=NO_STORE)

    @post("/links", operation_id="createPairingLink", summary="Create a pairing link", status_code=201, guards=WRITE)
    async def create_link(
        self,
        instance_id: FromPath[str],
        database: NamedDependency[Database],
        instance_options: NamedDependency[Options],
        principal: NamedDependency[Principal],
        replay: NamedDependency[Replay],
        data: JSONBody[PairingLinkStart],
    ) -> Response[PairingLinkView]:
        """A page that shows the QR code without a credential, for whoever holds the phone; send its address only there.

        It can be made before the instance is ready. Its calls to the gateway count as your own. It cannot be taken
        back: it ends by itself, when the instance is suspended or deleted, and opens nothing but pairing.
        """
        async with database.begin(principal.tenant) as uow:

            async def make() -> Response[PairingLinkView]:
                instance = await service.find(uow, _wanted(instance_id), principal)
                pairing_links.may_be_made(instance)
                made = pairing_links.make(uow, instance, hours=data.valid_hours)
                address = made.address(database.keyring, instance_options.public_url)
                view = PairingLinkView("pairing_link", address, to_wire(made.expires_at))
                return Response(view, status_code=201, headers=NO_STORE)

            return await replay.once(uow, make)

    @get("/qr.png", operation_id="getPairingQrPng", summary="Get a QR image", guards=WRITE, media_type=PNG)
    async def get_qr_png(
        self,
        instance_id: FromPath[str],
        database: NamedDependency[Database],
        registry: NamedDependency[Registry],
        instance_options: NamedDependency[Options],
        principal: NamedDependency[Principal],
    ) -> Response[bytes]:
        """The QR code of the moment as a picture."""
        asker = await link.let_in(database, registry, instance_options, principal, _wanted(instance_id))
        try:
            image = base64.b64decode((await link.picture(asker)).data, validate=True)
        except binascii.Error:
            raise UpstreamError() from None
        return Response(image, media_type=PNG, headers=NO_STORE)

    @get("/stream", operation_id="streamPairing", summary="Watch pairing live", guards=WRITE)
    async def stream_pairing(
        self,
        instance_id: FromPath[str],
        database: NamedDependency[Database],
        registry: NamedDependency[Registry],
        instance_options: NamedDependency[Options],
        principal: NamedDependency[Principal],
    ) -> ServerSentEvent:
        """Server-sent events: `state`, `qr` whenever the code changes, `code` when one was asked for, `connected` at
        the end, or `timeout` after five minutes.
        """
        asker = await link.let_in(database, registry, instance_options, principal, _wanted(instance_id))
        return ServerSentEvent(HUB.events(asker), headers={**NO_STORE, "X-Accel-Buffering": "no"})


def _wanted(instance_id: str) -> UUID:
    return ids.from_wire(ids.INSTANCE, instance_id)
