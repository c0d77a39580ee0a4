"""The contract as client generators like it: one shape for problems, true security, none of the framework's quirks."""

import re
from collections.abc import Iterator
from typing import Any, Final

from litestar import Litestar, Request
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.plugins import JsonRenderPlugin, SwaggerRenderPlugin, YamlRenderPlugin
from msgspec import Struct

from app.accounts.auth import requires
from app.accounts.scopes import Scope

VERBS: Final = ("get", "post", "put", "patch", "delete")
TITLES: Final = {
    "400": "The request is not valid.",
    "401": "No valid credential was given.",
    "402": "The plan does not allow this now; the problem says why and until when.",
    "403": "The credential may not do this.",
    "404": "No such resource, or not yours.",
    "409": "The resource is not in a state that allows this.",
    "410": "The instance was deleted.",
    "412": "The resource has changed since it was read.",
    "413": "The request body is too large.",
    "415": "The media type of the body is not supported.",
    "422": "The Idempotency-Key was used with another request.",
    "429": "Too many requests.",
    "500": "Something went wrong on our side.",
    "502": "The upstream gateway answered badly.",
    "503": "The service or the upstream gateway cannot be reached now.",
    "504": "The upstream gateway did not answer in time.",
}
IDEMPOTENCY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The same key with the same request gives the same answer, for 72 hours.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
}
NOISE: Final = ("deprecated", "allowEmptyValue", "allowReserved")


def contract(app: Litestar) -> dict[str, Any]:
    """The polished document; made once per application."""
    known: dict[str, Any] | None = app.state.get("contract")
    if known is None:
        known = polish(app.openapi_schema.to_schema(), app)
        app.state["contract"] = known
    return known


class Json(JsonRenderPlugin):
    """`openapi.json` from the polished document."""

    def render(self, request: Request[Any, Any, Any], _: dict[str, Any]) -> bytes:
        """The document as JSON."""
        return super().render(request, contract(request.app))


class Yaml(YamlRenderPlugin):
    """`openapi.yaml` from the polished document."""

    def render(self, request: Request[Any, Any, Any], _: dict[str, Any]) -> bytes:
        """The document as YAML."""
        return super().render(request, contract(request.app))


class Swagger(SwaggerRenderPlugin):
    """The docs page from the polished document and our own copy of its scripts."""

    def render(self, request: Request[Any, Any, Any], _: dict[str, Any]) -> bytes:
        """The page."""
        return super().render(request, contract(request.app))


def polish(document: dict[str, Any], app: Litestar) -> dict[str, Any]:
    """The document with our problems, security and idempotency, and without what breaks generators."""
    known = {handler.operation_id: handler for _, handler in handlers(app) if isinstance(handler.operation_id, str)}
    components = document.setdefault("components", {})
    components["responses"] = {status: _problem_response(text) for status, text in TITLES.items()}
    components.setdefault("schemas", {})["Problem"] = PROBLEM
    for path, item in document.get("paths", {}).items():
        for verb in VERBS:
            if verb in item:
                _operation(path, verb, item[verb], known.get(item[verb].get("operationId")))
    for name in _closed() & components["schemas"].keys():
        components["schemas"][name]["additionalProperties"] = False
    _clean(document)
    return document


def handlers(app: Litestar) -> Iterator[tuple[str, HTTPRouteHandler]]:
    """Every HTTP handler of the application with its path; the framework's own OPTIONS are left out."""
    for route in app.routes:
        for handler in getattr(route, "route_handlers", ()):
            if isinstance(handler, HTTPRouteHandler) and set(handler.http_methods) != {"OPTIONS"}:
                yield route.path_format, handler


def guard_of(handler: HTTPRouteHandler) -> requires | None:
    """The guard that finds a handler's principal; None when it is public."""
    for guard in handler.resolve_guards():
        inner = getattr(guard, "ref", guard)
        inner = getattr(inner, "value", inner)
        if isinstance(inner, requires):
            return inner
    return None


def _operation(path: str, verb: str, operation: dict[str, Any], handler: HTTPRouteHandler | None) -> None:
    guard = guard_of(handler) if handler else None
    scope = None if guard is None else guard.scope
    responses = {
        status: response for status, response in operation.get("responses", {}).items() if status.startswith(("2", "3"))
    }
    statuses = {"400", "404", "500", "503"}
    if guard is not None:
        statuses |= {"401", "403"}
    if verb in ("post", "put", "patch", "delete"):
        statuses |= {"409", "412", "413", "415"}
    if verb == "post" and scope is not None and scope is not Scope.OPERATOR:
        statuses |= {"402", "422"}
        if handler is None or not handler.opt.get("streams"):
            operation.setdefault("parameters", []).append(IDEMPOTENCY)
    if "/instances/" in path:
        statuses |= {"402", "409", "410", "429", "502", "504"}
    if guard is None:
        statuses |= {"401", "429"}
    for status in sorted(statuses):
        responses[status] = {"$ref": f"#/components/responses/{status}"}
    operation["responses"] = responses
    if guard is None:
        operation["security"] = []
        return
    operation["security"] = [{"operatorKey" if scope is Scope.OPERATOR else "apiKey": []}]
    operation["x-required-scopes"] = [] if scope is None else [str(scope)]


def _closed() -> set[str]:
    """Names of structs that refuse fields they do not know."""
    found: set[str] = set()
    pending = list(Struct.__subclasses__())
    while pending:
        kind = pending.pop()
        pending += kind.__subclasses__()
        if kind.__struct_config__.forbid_unknown_fields:
            found.add(kind.__name__)
    return found


def _problem_response(text: str) -> dict[str, Any]:
    return {
        "description": text,
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }


def _clean(node: Any) -> None:
    """Drop the noise: default flags of parameters, null among parameter types, `100.0` for `100`, dots in names."""
    if isinstance(node, list):
        for item in node:
            _clean(item)
        return
    if not isinstance(node, dict):
        return
    if node.get("in") in ("query", "path", "header", "cookie") and "schema" in node:
        for name in NOISE:
            if node.get(name) is False:
                del node[name]
        node["schema"] = _without_null(node["schema"])
    for name in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"):
        if isinstance(node.get(name), float) and node[name].is_integer():
            node[name] = int(node[name])
    if isinstance(node.get("pattern"), str):
        node["pattern"] = re.sub(r"\(\?!\\n\)", "", node["pattern"])
    for value in node.values():
        _clean(value)


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    for word in ("oneOf", "anyOf"):
        if word in schema:
            kept = [part for part in schema[word] if part.get("type") != "null"]
            if len(kept) == 1:
                rest = {name: value for name, value in schema.items() if name != word}
                return {**kept[0], **rest}
    return schema


PROBLEM: Final[dict[str, Any]] = {
    "title": "Problem",
    "description": "RFC 9457. `code` is stable; `detail` may be shown to people; `request_id` finds the log entry.",
    "type": "object",
    "required": ["type", "title", "status", "code", "request_id", "retryable"],
    "properties": {
        "type": {"type": "string", "format": "uri", "examples": ["https://sublet.example/errors/trial_expired"]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "examples": ["trial_expired"]},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "request_id": {"type": "string", "examples": ["req_01m7zpzh3pekgt8zb1y8xg42jx"]},
        "retryable": {"type": "boolean"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "code", "detail"],
                "properties": {
                    "pointer": {"type": "string", "examples": ["#/name"]},
                    "code": {"type": "string"},
                    "detail": {"type": "string"},
                },
            },
        },
    },
    "additionalProperties": True,
}
