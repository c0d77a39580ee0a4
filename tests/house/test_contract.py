"""The contract in `openapi/openapi.json`: fresh, valid, whole, and what generators can work with."""

import json
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import validate

from app.cli import CONTRACT, contract
from app.main import create_app
from app.openapi import guard_of, handlers

DOCUMENT: dict[str, Any] = json.loads(contract())
PUBLIC = {
    "createSession",
    "downloadFile",
    "listEventTypes",
    "listPlans",
    "requestEmailCode",
    "signUp",
}


def operations() -> list[tuple[str, str, dict[str, Any]]]:
    """Every (path, verb, operation)."""
    return [
        (path, verb, operation)
        for path, item in DOCUMENT["paths"].items()
        for verb, operation in item.items()
        if verb in ("get", "post", "put", "patch", "delete")
    ]


def test_the_committed_contract_is_current() -> None:
    assert Path(CONTRACT).read_text(encoding="utf-8") == contract(), "run `sublet openapi --write`"


def test_the_contract_is_valid() -> None:
    validate(DOCUMENT)


def test_every_route_has_a_guard_or_is_known_to_be_public() -> None:
    for path, handler in handlers(create_app(None)):
        public = bool(handler.opt.get("public"))
        inner = path.startswith(("/docs", "/_assets"))
        assert (guard_of(handler) is not None) != (public or inner), f"{path}: {handler}"
        if public and handler.include_in_schema:
            assert handler.operation_id in PUBLIC, handler.operation_id


@pytest.mark.parametrize(("path", "verb", "operation"), operations(), ids=lambda value: str(value)[:40])
def test_an_operation_is_described_and_its_problems_are_too(path: str, verb: str, operation: dict[str, Any]) -> None:
    assert operation["operationId"][0].islower()
    assert len(operation["summary"].split()) <= 6, operation["summary"]
    assert operation.get("description")
    assert len(operation["tags"]) == 1
    for status, response in operation["responses"].items():
        if status[0] in "45":
            assert response == {"$ref": f"#/components/responses/{status}"}


def test_names_are_unique_and_without_dots() -> None:
    ids = [operation["operationId"] for _, _, operation in operations()]
    assert len(ids) == len(set(ids))
    assert not [name for name in DOCUMENT["components"]["schemas"] if "." in name or "_" in name]


def test_no_secret_stands_among_the_examples() -> None:
    from app.accounts.tokens import kind_of

    for word in json.dumps(DOCUMENT).replace('"', " ").split():
        assert kind_of(word) is None, word[:12]
