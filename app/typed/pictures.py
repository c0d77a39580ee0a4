"""Pictures that a request brings: small enough to be held, and looked at before they go on."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from litestar.openapi.spec import OpenAPIMediaType, Operation, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIFormat, OpenAPIType

from app.files.incoming import Limits, taking
from app.kit.errors import FieldError, InvalidRequest, UnsupportedMediaType
from app.providers.port import Upload
from app.typed.asking import Asking

LIMITS: Final = Limits(most_bytes=5 * 1024 * 1024, idle_seconds=15, total_seconds=120)
JPEG: Final = "image/jpeg"
FORM: Final = "multipart/form-data"
FIRST_BYTES: Final = b"\xff\xd8\xff"


class NoPicture(InvalidRequest):
    """The body is no JPEG picture."""


@dataclass
class PictureOperation(Operation):
    """Tells of the body, which the framework does not read for the handler."""

    def __post_init__(self) -> None:
        binary = Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY)
        form = Schema(type=OpenAPIType.OBJECT, properties={"file": binary}, required=["file"])
        self.request_body = RequestBody(
            description="A JPEG of at most 5 MB.",
            content={JPEG: OpenAPIMediaType(schema=binary), FORM: OpenAPIMediaType(schema=form)},
            required=True,
        )


async def picture_of(asking: Asking) -> Upload:
    """The picture of a request; whoever may not use the instance is told so before it is read.

    Raises:
        NotFound: the instance is none of the caller's. UnsupportedMediaType, NoPicture, and those
            of `taking`.
    """
    async with asking.database.begin(asking.principal.tenant) as uow:
        await asking.instance(uow)
    picture = await _body(asking)
    if not picture.startswith(FIRST_BYTES):
        raise _no_picture("Only JPEG pictures are taken.")
    return Upload(_pieces(picture), len(picture), JPEG, "picture.jpg")


async def _body(asking: Asking) -> bytes:
    headers = asking.request.headers
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in (JPEG, FORM):
        raise UnsupportedMediaType(f"Send `{JPEG}` or `{FORM}`.")
    owner = asking.principal.tenant
    async with taking(asking.request.receive, headers, limits=LIMITS, owner=owner) as incoming:
        return b"".join([piece async for piece in incoming.file()])


def _no_picture(detail: str) -> NoPicture:
    return NoPicture(detail, errors=(FieldError("#", "invalid_value", detail),))


async def _pieces(picture: bytes) -> AsyncIterator[bytes]:
    yield picture
