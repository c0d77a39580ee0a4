"""What a problem's `type` leads to: a page for each code, made from the error classes."""

import html
from typing import Any, Final

from litestar import MediaType, Response, get
from litestar.params import FromPath

from app.kit.errors import AppError, NotFound

PAGE: Final = """<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{code}</title><body style="font:1rem/1.5 system-ui;max-width:40rem;margin:3rem auto;padding:0 1rem">
<h1><code>{code}</code></h1><p>{title}.</p><p>HTTP status {status}. {retry}</p>
<p><a href="/docs">The API</a></p></body></html>"""


def known() -> dict[str, type[AppError]]:
    """Every kind of problem by its code; of several kinds with one code the most general."""
    found: dict[str, type[AppError]] = {}
    pending: list[type[AppError]] = [AppError]
    while pending:
        kind = pending.pop(0)
        found.setdefault(kind.code, kind)
        pending += kind.__subclasses__()
    return found


@get("/errors/{code:str}", include_in_schema=False, opt={"public": True}, media_type=MediaType.HTML)
async def show_problem(code: FromPath[str]) -> Response[Any]:
    """A page for people about one kind of problem."""
    kind = known().get(code)
    if kind is None:
        raise NotFound("There is no problem of this name.")
    retry = "The same request may succeed later." if kind.retryable else "The same request will fail again."
    page = PAGE.format(code=html.escape(code), title=html.escape(kind.title()), status=kind.status, retry=retry)
    return Response(page, media_type=MediaType.HTML, headers={"Cache-Control": "public, max-age=86400"})
