"""Pictures that a request brings: small enough to be held, and looked at before they go on."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from litestar.datastructures import UploadFile
from litestar.openapi.spec import OpenAPIMediaType, Operation, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIFormat, OpenAPIType

from app.kit.errors import BodyTooLarge, FieldError, InvalidRequest, UnsupportedMediaType
from app.providers.port import Upload
from app.typed.asking import Asking

LARGEST_BYTES: Final = 5 * 1024 * 1024
LARGEST_BODY_BYTES: Final = LARGEST_BYTES + 64 * 1024
"""A form has some lines around its file."""
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
        NotFound: the instance is none of the caller's. UnsupportedMediaType, BodyTooLarge, NoPicture.
    """
    async with asking.database.begin(asking.principal.tenant) as uow:
        await asking.instance(uow)
    picture = await _body(asking)
    if len(picture) > LARGEST_BYTES:
        raise BodyTooLarge("A picture may have at most 5 MB.")
    if not picture.startswith(FIRST_BYTES):
        raise _no_picture("Only JPEG pictures are taken.")
    return Upload(_pieces(picture), len(picture), JPEG, "picture.jpg")


async def _body(asking: Asking) -> bytes:
    kind = asking.request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == JPEG:
        return await asking.request.body()
    if kind != FORM:
        raise UnsupportedMediaType(f"Send `{JPEG}` or `{FORM}`.")
    files = [value for value in (await asking.request.form()).values() if isinstance(value, UploadFile)]
    if len(files) != 1:
        raise _no_picture("The form has to have exactly one file.")
    return await files[0].read()


def _no_picture(detail: str) -> NoPicture:
    return NoPicture(detail, errors=(FieldError("#", "invalid_value", detail),))


async def _pieces(picture: bytes) -> AsyncIterator[bytes]:
    yield picture
