"""Answers that all rooms give alike: entity tags, 304, 412 and the link to the next page."""

from collections.abc import Mapping
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from litestar import Request, Response
from litestar.params import HeaderParameter, QueryParameter

from app.kit.errors import VersionConflict

DEFAULT_LIMIT: Final = 20

IfMatch = Annotated[
    str | None,
    HeaderParameter(
        name="If-Match", max_length=500, description="Change only if the resource still has this ETag; else 412."
    ),
]
IfNoneMatch = Annotated[
    str | None,
    HeaderParameter(name="If-None-Match", max_length=500, description="Answer 304 if the resource has this ETag."),
]
Limit = Annotated[int, QueryParameter(ge=1, le=100, description="The most resources that a page may hold.")]
PageCursor = Annotated[
    str | None,
    QueryParameter(
        name="cursor",
        min_length=1,
        max_length=512,
        pattern="^[0-9A-Za-z_-]+$",
        description="`next_cursor` of the page before.",
    ),
]


def etag(version: int) -> str:
    """The entity tag of a row's version."""
    return f'"v{version}"'


def check_match(if_match: str | None, version: int) -> None:
    """Refuse a change of something that has changed since the caller read it.

    Raises:
        VersionConflict: with the present ETag.
    """
    if if_match is None or if_match.strip() == "*" or etag(version) in _tags(if_match):
        return
    raise VersionConflict("Read it again, then repeat the change.", headers={"ETag": etag(version)})


def single(
    content: Any,
    version: int,
    *,
    if_none_match: str | None = None,
    status_code: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response[Any]:
    """One resource with its ETag; 304 without a body when the caller has it already."""
    tagged = {"ETag": etag(version), **(headers or {})}
    if if_none_match is not None:
        given = {tag.removeprefix("W/") for tag in _tags(if_none_match)}
        if "*" in given or etag(version) in given:
            return Response(None, status_code=304, headers=tagged)
    return Response(content, status_code=status_code, headers=tagged)


def page(request: Request[Any, Any, Any], content: Any, next_cursor: str | None) -> Response[Any]:
    """One page of a list, with a `Link` to the next that keeps the filters of this one."""
    if next_cursor is None:
        return Response(content)
    query = [(name, value) for name, value in request.query_params.multi_items() if name != "cursor"]
    target = f"{request.url.path}?{urlencode([*query, ('cursor', next_cursor)])}"
    return Response(content, headers={"Link": f'<{target}>; rel="next"'})


def _tags(header: str) -> list[str]:
    return [part.strip() for part in header.split(",")]
