"""Routes of uploads: files that a tenant gives us to send, streamed to the gateway."""

from dataclasses import dataclass
from typing import Annotated, Any, Final

from litestar import Controller, Request, Response, get, post
from litestar.di import NamedDependency
from litestar.openapi.spec import OpenAPIMediaType, Operation, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIFormat, OpenAPIType
from litestar.params import FromPath, QueryParameter

from app.accounts.auth import requires
from app.accounts.scopes import Scope
from app.files import incoming, uploads
from app.files.incoming import NoFile
from app.files.schemas import UploadView, upload_view
from app.kit import ids
from app.kit.errors import FieldError, UnsupportedMediaType
from app.providers.port import Upload
from app.typed.asking import ASKING, Asking

FORM: Final = "multipart/form-data"
URLENCODED: Final = "application/x-www-form-urlencoded"

FileNameWanted = Annotated[
    str | None,
    QueryParameter(
        min_length=1,
        max_length=255,
        pattern=r"^[^\x00-\x1f\x7f]+$",
        description="The file's name with its extension, for a body that is the file itself.",
    ),
]


@dataclass
class UploadOperation(Operation):
    """Tells of the body, which streams past the framework."""

    def __post_init__(self) -> None:
        binary = Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY)
        form = Schema(type=OpenAPIType.OBJECT, properties={"file": binary}, required=["file"])
        self.request_body = RequestBody(
            description="The file, at most 100 MB: as the part `file` of a form, or as the body with its media type.",
            content={FORM: OpenAPIMediaType(schema=form), "*/*": OpenAPIMediaType(schema=binary)},
            required=True,
        )


class UploadController(Controller):
    """Files are kept by the gateway for two weeks; messages name them by `upload_id`."""

    path = "/v1/instances/{instance_id:str}/uploads"
    tags = ("Files",)
    dependencies = ASKING

    @post(
        "/",
        operation_id="createUpload",
        operation_class=UploadOperation,
        summary="Upload a file",
        status_code=201,
        guards=[requires(Scope.MESSAGES_SEND)],
        opt={"streams": True},
    )
    async def create_upload(
        self,
        request: Request[Any, Any, Any],
        asking: NamedDependency[Asking],
        filename: FileNameWanted = None,
    ) -> Response[UploadView]:
        """Store a file with the gateway, to be sent through this instance by the upload's id.

        The body is passed on while it comes. It is not remembered for an `Idempotency-Key`: what is uploaded twice is
        stored twice. 413: it is larger than 100 MB. 408: it came too slowly.
        """
        async with asking.database.begin(asking.principal.tenant) as uow:
            await asking.instance(uow)
        if request.headers.get("content-type", "").lower().startswith(URLENCODED):
            raise UnsupportedMediaType(f"Send `{FORM}`, or the file with its own media type.")
        owner = asking.principal.tenant
        async with incoming.taking(request.receive, request.headers, named=filename or "", owner=owner) as file:
            if file.file_size == 0:
                raise NoFile(errors=(FieldError("#/file", "required", "The file is empty."),))
            upload = Upload(file.file(), file.file_size, file.media_type, file.file_name)
            link = await asking.gateway.upload(asking.principal, asking.instance_id, upload)
        async with asking.database.begin(asking.principal.tenant) as uow:
            row = await uploads.keep(
                uow,
                asking.principal.tenant,
                asking.instance_id,
                link,
                file_name=upload.file_name,
                media_type=upload.content_type,
                size_bytes=file.file_bytes,
            )
        view = upload_view(row)
        where = f"/v1/instances/{ids.to_wire(ids.INSTANCE, asking.instance_id)}/uploads/{view.id}"
        return Response(view, status_code=201, headers={"Location": where})

    @get("/{upload_id:str}", operation_id="getUpload", summary="Get an upload", guards=[requires(Scope.MESSAGES_SEND)])
    async def get_upload(self, asking: NamedDependency[Asking], upload_id: FromPath[str]) -> UploadView:
        """What is known of an upload until it expires."""
        wanted = ids.from_wire(ids.UPLOAD, upload_id)
        async with asking.database.begin(asking.principal.tenant) as uow:
            await asking.instance(uow)
            return upload_view(await uploads.get(uow, asking.instance_id, wanted))
