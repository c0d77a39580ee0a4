"""Errors as RFC 9457 problem documents: one shape for every answer that is not a success."""

from typing import Any, Final

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import (
    ClientException,
    HTTPException,
    MethodNotAllowedException,
    NotFoundException,
    SerializationException,
    ValidationException,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.kit.errors import (
    AppError,
    BodyTooLarge,
    FieldError,
    InternalError,
    InvalidJson,
    InvalidParameter,
    InvalidRequest,
    MethodNotAllowed,
    RouteNotFound,
    UnknownField,
    UnsupportedMediaType,
)

log = structlog.get_logger()

PROBLEM_JSON: Final = "application/problem+json"
NO_BODY: Final = "'data'"
"""What Litestar says where a body is wanted and there is none."""


class Overloaded(AppError):
    """The service is busy; try again shortly."""

    status = 503
    code = "maintenance"
    retryable = True


class Problem(msgspec.Struct, omit_defaults=True):
    """A problem document (RFC 9457). `code` is stable; `detail` may be shown to people; `request_id` finds the log."""

    type: str
    title: str
    status: int
    code: str
    request_id: str
    detail: str | None = None
    instance: str | None = None
    retryable: bool = False
    errors: list[FieldError] = []


def document(error: AppError, *, docs_url: str, request_id: str) -> dict[str, Any]:
    """The problem document of an error."""
    body: dict[str, Any] = {
        "type": f"{docs_url}/errors/{error.code}",
        "title": error.title(),
        "status": error.status,
        "code": error.code,
        "request_id": request_id,
        "retryable": error.retryable,
        "instance": f"/v1/requests/{request_id}",
    }
    if error.detail:
        body["detail"] = error.detail
    if error.errors:
        body["errors"] = [msgspec.to_builtins(item) for item in error.errors]
    return body | error.extra


def respond(request: Request[Any, Any, Any], error: AppError) -> Response[bytes]:
    """The answer that tells a caller of an error."""
    request_id = str(request.scope.get("state", {}).get("request_id", "req_unknown"))
    docs_url = str(request.app.state.docs_url)
    headers = {"Cache-Control": "no-store", **error.headers}
    if error.status == 401:
        headers.setdefault("WWW-Authenticate", f'Bearer realm="api", error="{error.code}"')
    body = document(error, docs_url=docs_url, request_id=request_id)
    return Response(msgspec.json.encode(body), status_code=error.status, headers=headers, media_type=PROBLEM_JSON)


def on_app_error(request: Request[Any, Any, Any], error: AppError) -> Response[bytes]:
    """Our own errors carry all that is needed."""
    level = "error" if error.status >= 500 else "info"
    getattr(log, level)("request_refused", code=error.code, status=error.status, **error.facts)
    return respond(request, error)


def on_http_error(request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    """The framework's errors, in our words."""
    return on_app_error(request, _translate(error))


def on_crash(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Anything else: a bad value the database refused is the caller's, the rest is ours and goes to the log."""
    if isinstance(error, PoolTimeout):
        return on_app_error(request, Overloaded(headers={"Retry-After": "1"}))
    if isinstance(error, DBAPIError) and _is_bad_value(error):
        return on_app_error(request, InvalidRequest("A value cannot be stored."))
    if isinstance(error, UnicodeDecodeError) and _raised_by_framework(error):
        return on_app_error(request, InvalidJson("The body is not UTF-8."))
    log.error("request_crashed", error=type(error).__name__, exc_info=error)
    return respond(request, InternalError())


def handlers() -> dict[Any, Any]:
    """The exception handlers of the application."""
    return {AppError: on_app_error, HTTPException: on_http_error, Exception: on_crash}


def _translate(error: HTTPException) -> AppError:
    if isinstance(error, NotFoundException):
        return RouteNotFound()
    if isinstance(error, MethodNotAllowedException):
        return MethodNotAllowed(headers=dict(error.headers or {}))
    if isinstance(error, ValidationException):
        return _validation(error)
    if error.status_code == 413:
        return BodyTooLarge()
    if error.status_code == 415:
        return UnsupportedMediaType()
    if isinstance(error, ClientException) and isinstance(error.__cause__, SerializationException):
        return InvalidJson()
    if error.status_code < 500:
        return InvalidRequest()
    return InternalError()


class StrictRequest(Request[Any, Any, Any]):
    """Reads JSON bodies strictly: the framework itself would take `"5"` for 5 and 0 for false."""

    async def json(self) -> Any:
        """The body, checked against the handler's own type before the framework converts it.

        Raises:
            InvalidRequest: with a pointer to the field. InvalidJson: nested too deeply to be read.
        """
        try:
            loose = await super().json()
        except RecursionError:
            raise InvalidJson("The body is nested too deeply.") from None
        field = getattr(self.route_handler, "parsed_data_field", None)
        if field is not None and isinstance(field.annotation, type) and issubclass(field.annotation, msgspec.Struct):
            try:
                msgspec.json.decode(await self.body(), type=field.annotation)
            except msgspec.ValidationError as error:
                raise _refused([_from_text(str(error), "#")]) from None
        return loose


def _validation(error: ValidationException) -> AppError:
    details = [
        _field(item) for item in (error.extra if isinstance(error.extra, list) else []) if isinstance(item, dict)
    ]
    if not details and error.__cause__ is not None:
        details = [_from_text(str(error.__cause__), "#")]
    return _refused(details)


def _refused(details: list[FieldError]) -> InvalidRequest:
    kind: type[InvalidRequest] = InvalidRequest
    if any(item.code == "unknown_field" for item in details):
        kind = UnknownField
    elif details and all(not item.pointer.startswith("#") for item in details):
        kind = InvalidParameter
    return kind(details[0].detail if details else None, errors=tuple(details))


def _field(item: dict[str, Any]) -> FieldError:
    """One entry of Litestar's list: `{message, key, source}`, where msgspec's text may hold ` - at `$.path``."""
    source, key, message = item.get("source"), str(item.get("key", "")), str(item.get("message", ""))
    if source in ("query", "path"):
        return FieldError(f"?{key}" if source == "query" else f"path:{key}", "invalid_value", _sentence(message))
    if source in ("header", "cookie"):
        return FieldError(f"{source}:{key}", "invalid_value", _sentence(message))
    base = "#" if key in ("", "data") else "#/" + _path(key)
    return _from_text(message, base)


def _from_text(message: str, base: str) -> FieldError:
    text, _, place = message.partition(" - at `")
    _, found, path = place.rstrip("`").partition("$")
    if found:
        base = "#" + _path(path)
    if text == NO_BODY:
        return FieldError(base, "required", "A body is required.")
    if "unknown field `" in text:
        name = text.split("`")[-2]
        return FieldError(f"{base}/{name}", "unknown_field", f"There is no field `{name}`.")
    if "missing required field `" in text:
        name = text.split("`")[-2]
        return FieldError(f"{base}/{name}", "required", f"The field `{name}` is required.")
    return FieldError(base, "invalid_value", _sentence(text))


def _path(key: str) -> str:
    return key.replace("[...]", "/*").replace(".", "/").replace("[", "/").replace("]", "")


def _sentence(text: str) -> str:
    return (text or "The value is not valid").rstrip(".") + "."


def _raised_by_framework(error: Exception) -> bool:
    """Whether the framework was reading the request: the same error out of our own code is our own."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and str(trace.tb_frame.f_globals.get("__name__", "")).startswith("litestar.")


def _is_bad_value(error: DBAPIError) -> bool:
    """SQLSTATE class 22 (data) and the driver's own range checks: the value came from the request."""
    state = str(getattr(error.orig, "sqlstate", "") or "")
    return state.startswith("22") or "DataError" in type(error).__name__ or "out of range" in str(error.orig)
