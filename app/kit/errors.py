"""Errors by their meaning to the caller. A class per fact lives in the room where the rule lives."""

from typing import Any, ClassVar

from msgspec import Struct


class FieldError(Struct, frozen=True, omit_defaults=True):
    """One faulty place in a request: a JSON pointer (`#/name`), `?limit` or `header:Idempotency-Key`."""

    pointer: str
    code: str
    detail: str


class AppError(Exception):
    """Something a caller may be told. The docstring of a child is its public title.

    `detail` is shown to the caller; `extra` members go into the problem document; `facts` go to the log only.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    retryable: ClassVar[bool] = False

    def __init__(
        self,
        detail: str | None = None,
        *,
        errors: tuple[FieldError, ...] = (),
        extra: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        **facts: object,
    ) -> None:
        super().__init__(detail or self.title())
        self.detail = detail
        self.errors = errors
        self.extra = extra or {}
        self.headers = headers or {}
        self.facts = facts

    @classmethod
    def title(cls) -> str:
        """The constant public sentence of this kind of problem."""
        return (cls.__doc__ or cls.__name__).strip().split("\n")[0].rstrip(".")


class InvalidRequest(AppError):
    """The request is not valid."""

    status = 400
    code = "invalid_request"


class InvalidJson(InvalidRequest):
    """The body is not valid JSON."""

    code = "invalid_json"


class UnknownField(InvalidRequest):
    """The request names a field that does not exist."""

    code = "unknown_field"


class InvalidParameter(InvalidRequest):
    """A parameter has a value that is not allowed."""

    code = "invalid_parameter"


class Unauthenticated(AppError):
    """No valid credential was given."""

    status = 401
    code = "unauthenticated"


class PaymentNeeded(AppError):
    """The plan does not allow this now."""

    status = 402
    code = "payment_required"


class Forbidden(AppError):
    """The credential may not do this."""

    status = 403
    code = "insufficient_scope"


class NotFound(AppError):
    """No such resource."""

    status = 404
    code = "resource_not_found"


class RouteNotFound(AppError):
    """No such route."""

    status = 404
    code = "route_not_found"


class MethodNotAllowed(AppError):
    """The route does not take this method."""

    status = 405
    code = "method_not_allowed"


class Conflict(AppError):
    """The resource is not in a state that allows this."""

    status = 409
    code = "conflict"


class Gone(AppError):
    """The instance was deleted."""

    status = 410
    code = "instance_deleted"


class VersionConflict(AppError):
    """The resource has changed since it was read."""

    status = 412
    code = "version_conflict"


class BodyTooLarge(AppError):
    """The request body is too large."""

    status = 413
    code = "body_too_large"


class UnsupportedMediaType(AppError):
    """The media type of the body is not supported here."""

    status = 415
    code = "unsupported_media_type"


class RateLimited(AppError):
    """Too many requests."""

    status = 429
    code = "rate_limited"
    retryable = True


class InternalError(AppError):
    """Something went wrong on our side."""


class UpstreamError(AppError):
    """The upstream gateway answered badly."""

    status = 502
    code = "upstream_error"
    retryable = True


class UpstreamUnavailable(AppError):
    """The upstream gateway cannot be reached now."""

    status = 503
    code = "upstream_unavailable"
    retryable = True


class UpstreamTimeout(AppError):
    """The upstream gateway did not answer in time; whether it acted is not known yet."""

    status = 504
    code = "upstream_timeout"
