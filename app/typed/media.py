"""Where a file that a request names can be fetched by the gateway."""

from typing import Final
from urllib.parse import unquote, urlsplit

from msgspec import UnsetType

from app.files import links, names, uploads
from app.gateway.schemas import MediaContent
from app.kit import ids
from app.kit.errors import FieldError, InvalidRequest
from app.typed.asking import Asking

POINTER: Final = "#/media"


async def media_of(asking: Asking, media: MediaContent) -> tuple[str, str]:
    """The address of a file and its name: of an upload, behind a link of ours, or as given.

    Raises:
        InvalidRequest: neither or both of `url` and `upload_id`, or no name can be told.
        NotFound: there is no such upload or file, or the instance is none of the caller's.
    """
    url, upload_id = _given(media.url), _given(media.upload_id)
    if bool(url) == bool(upload_id):
        raise _refused("Give either `url` or `upload_id`.", POINTER)
    name = _given(media.filename)
    if upload_id or links.is_ours(url, asking.public_url):
        async with asking.database.begin(asking.principal.tenant) as uow:
            await asking.instance(uow)
            if upload_id:
                stored = await uploads.find(uow, asking.instance_id, ids.from_wire(ids.UPLOAD, upload_id))
                url, name = stored.link, name or stored.file_name
            else:
                link = await links.open_url(uow, url, asking.principal.tenant)
                url, name = link.url, name or link.name
    name = name or _last_part(url)
    if "." not in name:
        raise _refused("Say what kind of file it is: `filename` needs an extension.", f"{POINTER}/filename")
    return url, name


def _last_part(url: str) -> str:
    part = unquote(urlsplit(url).path.rpartition("/")[2])
    return names.safe(part) if part else ""


def _given(value: str | UnsetType) -> str:
    return "" if isinstance(value, UnsetType) else value


def _refused(detail: str, pointer: str) -> InvalidRequest:
    return InvalidRequest(detail, errors=(FieldError(pointer, "invalid_value", detail),))
