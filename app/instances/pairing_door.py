"""The public door of pairing links: who has one may look at the code of the moment, or ask for one to type.

No check against forged requests of other sites is needed: no cookie or other thing that a browser adds by itself lets
anyone in, only the token in the path, which another site does not know.
"""

from functools import partial
from typing import Annotated, Any, Final

import structlog
from litestar import MediaType, Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, QueryParameter

from app.instances import link, pairing_links, pairing_page
from app.instances.link import AlreadyConnected, InvalidPhoneNumber
from app.instances.options import Options
from app.instances.pairing_links import LinkExpired, PairingLink
from app.instances.pairing_page import HEADERS, MOST_SHOWN
from app.instances.service import InstanceFailed, InstanceNotReady, InstanceSuspended
from app.instances.trips import Tools
from app.instances.viewing import HUB
from app.kit.db import TROUBLE, Database
from app.kit.errors import AppError, Gone, NotFound, PaymentNeeded
from app.providers.registry import Registry

log = structlog.get_logger()

LONGEST_FORM: Final = 2000
LONGEST_NUMBER: Final = 30
WITHOUT_ASKING: Final = ("number", "typed")
ASK: Final = "Please ask whoever sent you this link for a new one."
REFUSALS: Final[tuple[tuple[type[AppError], int, str, str], ...]] = (
    (NotFound, 404, "This link does not work", f"It may have been copied only in part. {ASK}"),
    (LinkExpired, 410, "This link has expired", ASK),
    (Gone, 410, "This link is over", "What it was for does not exist any more."),
    (InstanceSuspended, 410, "This link is over", f"No phone can be linked at present. {ASK}"),
    (InstanceFailed, 410, "This link is over", f"No phone can be linked at present. {ASK}"),
    (PaymentNeeded, 402, "No phone can be linked now", "The account's allowance is used up or its time is over."),
)
"""What a person is told; the first that fits."""
Shown = Annotated[int, QueryParameter(name="n", ge=0, le=1000, description="How often the page has refreshed itself.")]
By = Annotated[str, QueryParameter(name="by", max_length=10, description="`number`: by a code. `typed`: it was typed.")]
Page = Response[str]


@get("/pair/{token:str}", include_in_schema=False, opt={"public": True}, media_type=MediaType.HTML)
async def show_pairing(
    token: FromPath[str],
    database: NamedDependency[Database],
    registry: NamedDependency[Registry],
    instance_options: NamedDependency[Options],
    shown: FromQuery[Shown] = 0,
    by: FromQuery[By] = "",
) -> Page:
    """The code of the moment, or that a phone is linked."""
    tools = Tools(database, instance_options)
    try:
        opened = pairing_links.read(database.keyring, token)
        if by in WITHOUT_ASKING:
            return await _unasked(tools, opened, by)
        return await _picture(tools, registry, opened, shown)
    except TROUBLE as error:
        return _trouble(error, shown)
    except AppError as error:
        return _refusal(error, shown)


@post(
    "/pair/{token:str}",
    include_in_schema=False,
    opt={"public": True},
    media_type=MediaType.HTML,
    status_code=200,
    request_max_body_size=LONGEST_FORM,
)
async def ask_code(
    request: Request[Any, Any, Any],
    token: FromPath[str],
    database: NamedDependency[Database],
    registry: NamedDependency[Registry],
    instance_options: NamedDependency[Options],
) -> Page:
    """Eight characters for the phone whose number the form tells."""
    tools = Tools(database, instance_options)
    try:
        opened = pairing_links.read(database.keyring, token)
        form = await request.form()
        return await _code(tools, registry, opened, _number(form.get("phone")))
    except TROUBLE as error:
        return _trouble(error, 0)
    except AppError as error:
        return _refusal(error, 0)


async def _unasked(tools: Tools, opened: PairingLink, by: str) -> Page:
    """What is shown without a question to the gateway."""
    instance = await pairing_links.open_link(tools.database, opened)
    if instance.connection == "connected":
        return _page(pairing_page.linked(instance.phone))
    if by == "number":
        return _page(pairing_page.to_ask())
    return _page(pairing_page.moment("The phone is not linked yet. This page looks again by itself.", 0))


async def _picture(tools: Tools, registry: Registry, opened: PairingLink, shown: int) -> Page:
    instance = await pairing_links.open_link(tools.database, opened)
    if instance.connection == "connected":
        return _page(pairing_page.linked(instance.phone))
    if shown >= MOST_SHOWN:
        return _page(pairing_page.rest())
    try:
        qr = await HUB.glance(instance, partial(_admit, tools, registry, opened))
    except AlreadyConnected:
        return await _linked(tools, opened)
    return _page(pairing_page.to_scan(qr.data, shown))


async def _code(tools: Tools, registry: Registry, opened: PairingLink, number: str) -> Page:
    await pairing_links.open_link(tools.database, opened)
    link.digits_of(number)  # a slip of the finger is not counted as a call
    try:
        code = await link.code(await _admit(tools, registry, opened), number)
    except AlreadyConnected:
        return await _linked(tools, opened)
    HUB.tell(opened.instance_id, code)
    return _page(pairing_page.to_type(code.value))


async def _admit(tools: Tools, registry: Registry, opened: PairingLink) -> link.Asker:
    """Let the holder in by the rules of the tenant's own questions, and count the call as one of them."""
    return await link.admit(tools, registry, opened.tenant_id, opened.instance_id)


async def _linked(tools: Tools, opened: PairingLink) -> Page:
    instance = await pairing_links.open_link(tools.database, opened)
    return _page(pairing_page.linked(instance.phone))


def _number(given: Any) -> str:
    """What was typed, as people write numbers, with the plus sign that they leave out."""
    text = given.strip() if isinstance(given, str) and len(given) <= LONGEST_NUMBER and given.isprintable() else ""
    text = text.removeprefix("00") if text.startswith("00") else text
    return f"+{text}" if text[:1].isdigit() else text


def _trouble(error: BaseException, shown: int) -> Page:
    """The database is away: whoever holds the phone is told to wait, as of a gateway that is."""
    log.info("pairing_page_failed", error=type(error).__name__)
    return _wait(shown)


def _refusal(error: AppError, shown: int) -> Page:
    if isinstance(error, InvalidPhoneNumber):
        return _page(pairing_page.bad_number(), 400)
    for kind, status, title, text in REFUSALS:
        if isinstance(error, kind):
            return _page(pairing_page.refused(title, text), status)
    if shown >= MOST_SHOWN:
        return _page(pairing_page.rest())
    if isinstance(error, InstanceNotReady):
        return _page(pairing_page.moment("It is being made ready. This page looks again by itself.", shown))
    log.info("pairing_page_failed", error=type(error).__name__, **error.facts)
    return _wait(shown)


def _wait(shown: int) -> Page:
    if shown >= MOST_SHOWN:
        return _page(pairing_page.rest())
    return _page(pairing_page.moment("There is no answer yet. This page tries again by itself.", shown), 503)


def _page(text: str, status: int = 200) -> Page:
    return Response(text, status_code=status, media_type=MediaType.HTML, headers=HEADERS)
