"""What the wire shows of files."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from app.files.models import Upload
from app.kit import ids
from app.kit.clock import to_wire
from app.kit.wire import Timestamp

UploadId = Annotated[
    str,
    Meta(
        pattern=ids.pattern(ids.UPLOAD) + r"(?!\n)",
        description="An upload.",
        examples=["upl_01m7zpzh3pekgt8zb1y8xg42jx"],
    ),
]


class UploadView(Struct, kw_only=True):
    """A file that was uploaded, to be sent through its instance until it expires."""

    id: UploadId
    object: Literal["upload"] = "upload"
    file_name: Annotated[str, Meta(description="Its name, by which it is shown.", examples=["menu.pdf"])]
    media_type: Annotated[str, Meta(description="Its media type.", examples=["application/pdf"])]
    size_bytes: Annotated[int, Meta(ge=0, examples=[48213])]
    expires_at: Timestamp


def upload_view(row: Upload) -> UploadView:
    """An upload as its tenant is shown it."""
    return UploadView(
        id=ids.to_wire(ids.UPLOAD, row.id),
        file_name=row.file_name,
        media_type=row.media_type,
        size_bytes=row.size_bytes,
        expires_at=to_wire(row.expires_at),
    )
