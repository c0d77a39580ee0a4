"""Each method of the catalogue, by each face that has it, under each circumstance: none can be forgotten."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace

import asyncpg
import httpx2
import pytest
from prometheus_client import REGISTRY
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from app.accounts.scopes import TENANT_SCOPES, Scope
from app.gateway.catalogue import METHODS, Method, Retry, Takes
from app.kit.db import SYSTEM
from app.main import create_app
from app.openapi import contract
from app.plans import service as plans
from app.runtime import Runtime
from simulator.main import Running
from tests.conftest import FAST_UPSTREAM, Upstream, draining, empty
from tests.factories import make_key, make_tenant
from tests.house.methods_calls import (
    ALL,
    COMPATIBLE,
    ELSEWHERE,
    NATIVE,
    NEVER_WORK,
    NOT_TYPED,
    SOCKET,
    TYPED,
    Attempt,
)
from tests.house.methods_matrix import FAULTS, Matrix
from tests.house.methods_seats import CHAT, Seat, Seats
from tests.routes.typed.cases import typed_operations
from tests.simulator.test_methods import LISTED

WORLD = {**FAST_UPSTREAM, "fetch_files": False, "stall_seconds": 4, "min_delay_ms_override": 0}


@pytest.fixture(scope="module")
async def matrix(
    stack: tuple[Runtime, str],
    admin: asyncpg.Connection,
    simulator_server: Running,
    http: httpx2.AsyncClient,
) -> AsyncIterator[Matrix]:
    """One world for the whole file."""
    runtime, url = stack
    await empty(admin)
    runtime.authenticator.forget()
    upstream = Upstream(simulator_server.url, http)
    await upstream.control("POST", "reset")
    await upstream.control("POST", "config", WORLD)
    limits = httpx2.Limits(max_connections=120)
    async with httpx2.AsyncClient(base_url=url, timeout=60, limits=limits) as client:
        made = Matrix(await Seats.open(runtime, client, upstream, draining(runtime)))
        await made.prepare()
        yield made


each = pytest.mark.parametrize("attempt", ALL, ids=str)


def test_the_catalogue_is_the_contracts_list() -> None:
    names = {name: group for group, listed in LISTED.items() for name in listed.split()}
    assert {method.name: method.group for method in METHODS.values()} == names
    assert len(METHODS) == 77


def test_each_face_has_its_attempt_at_each_method() -> None:
    of_instances = {method.name for method in METHODS.values() if method.group != "partner"}
    for attempts in (COMPATIBLE, NATIVE):
        assert {attempt.method.name for attempt in attempts} | {SOCKET} == of_instances
    upstreams = {method.name for method in METHODS.values() if method.served == "upstream"}
    assert {attempt.method.name for attempt in TYPED} | ELSEWHERE.keys() | NOT_TYPED.keys() == upstreams
    assert not {attempt.method.name for attempt in TYPED} & (ELSEWHERE.keys() | NOT_TYPED.keys())


def test_each_typed_operation_of_the_contract_is_attempted() -> None:
    document = contract(create_app(None))
    known = {
        item["operationId"] for path in document["paths"].values() for item in path.values() if "operationId" in item
    }
    attempted = {attempt.label.partition(":")[0] for attempt in TYPED}
    assert attempted <= known
    assert {operation for operations in ELSEWHERE.values() for operation in operations} <= known
    assert typed_operations() <= attempted


@each
async def test_the_allowed_caller_is_served(matrix: Matrix, attempt: Attempt) -> None:
    found = await matrix.outcome("passes", attempt)
    if attempt.method.name in NEVER_WORK:
        assert (found.status, found.asked) == (403, 1)
        return
    assert found.status in ((200, 201, 202, 204) if attempt.face == "typed" else (200,)), found.reply.text
    assert found.asked == (0 if attempt.by_us else 1)


@each
async def test_an_expired_trial_closes_all_that_counts_and_nothing_else(matrix: Matrix, attempt: Attempt) -> None:
    found = await matrix.outcome("expired", attempt)
    if attempt.method.counts is None:
        assert found.status < 300, found.reply.text
    elif attempt.face == "compatible":
        assert found.status == 466, found.reply.text
        told = found.reply.json()["invokeStatus"]
        assert (told["method"], told["status"]) == (attempt.method.name.lower(), "QUOTE_EXCEEDED")
        assert found.asked == 0
    else:
        assert (found.status, found.problem["code"], found.asked) == (402, "trial_expired", 0), found.reply.text


@pytest.mark.parametrize("fault", FAULTS)
@each
async def test_what_upstream_does_is_told_as_documented(matrix: Matrix, attempt: Attempt, fault: str) -> None:
    found = await matrix.outcome(fault, attempt)
    if attempt.by_us:
        assert (found.status, found.asked) == (200, 0), found.reply.text
        return
    status, code, asked = EXPECTED[attempt.face](fault, attempt)
    assert found.status == status, found.reply.text
    # It is tried again within a second of its beginning, which may be over when many come at once.
    assert found.asked in ({1, asked} if fault == "429" else {asked})
    if code is not None:
        assert found.problem["code"] == code
        if status == 504:
            assert found.problem["retryable"] is (attempt.method.retry is not Retry.AMBIGUOUS)
    if attempt.face == "compatible":
        assert found.reply.headers.get("retry-after") == ("1" if status == 429 else None)


Expected = tuple[int, str | None, int]
UNANSWERED = ("timeout", "lost")


def times(fault: str, attempt: Attempt) -> int:
    """Without an answer: once more, but never what may have been done and would be done again."""
    return 2 if attempt.method.retry is not Retry.AMBIGUOUS and not attempt.takes_file else 1


def compatible(fault: str, attempt: Attempt) -> Expected:
    """In the gateway's manner, in our words."""
    if fault == "429":
        return 429, None, 1 if attempt.takes_file else 2  # a refusal is tried again within the second
    status = {"401": 502, "466": 466}.get(fault, 504)
    return status, None, times(fault, attempt) if fault in UNANSWERED else 1


def native(fault: str, attempt: Attempt) -> Expected:
    """As the drop-in face, told as problems."""
    status, _, asked = compatible(fault, attempt)
    if fault == "466":
        return status, None, asked  # the gateway's own word
    told = {"401": (503, "upstream_unavailable"), "429": (429, "send_rate_limited")}
    return *told.get(fault, (504, "upstream_timeout")), asked


def typed(fault: str, attempt: Attempt) -> Expected:
    """Problems."""
    told = {"401": (409, "instance_not_ready"), "429": (429, "send_rate_limited"), "466": (429, "quota_exceeded")}
    if fault in told:
        return *told[fault], 1
    return 504, "upstream_timeout", times(fault, attempt)


EXPECTED = {"compatible": compatible, "native": native, "typed": typed}


@pytest.mark.parametrize("attempt", [*NATIVE, *TYPED], ids=str)
async def test_without_its_scope_it_is_forbidden(matrix: Matrix, attempt: Attempt) -> None:
    scope = attempt.method.scope
    needed = [scope, Scope.GATEWAY_CALL] if attempt.face == "native" else [scope]
    for missing in needed:
        key = await without(matrix, missing)
        reply = await matrix.call(attempt, matrix.own[attempt.face, "401"], key)
        assert (reply.status_code, reply.json()["code"]) == (403, "insufficient_scope"), reply.text
        assert reply.json()["required_scopes"] == [str(missing)]


KEYS: dict[str, dict[str, str]] = {}


async def without(matrix: Matrix, scope: Scope) -> dict[str, str]:
    """A key of the tenant that may do all but one thing."""
    name = f"{matrix.seats.tenant.tenant_id} {scope}"
    if name not in KEYS:
        KEYS[name] = await make_key(matrix.seats.runtime, matrix.seats.tenant, scopes=TENANT_SCOPES - {scope})
    return KEYS[name]


@each
async def test_another_tenant_finds_nothing(matrix: Matrix, attempt: Attempt) -> None:
    found = await matrix.outcome("stranger", attempt)
    if attempt.face == "compatible":
        assert (found.status, found.reply.content) == (401, b"")
    else:
        assert (found.status, found.problem["code"]) == (404, "resource_not_found"), found.reply.text
    assert found.asked == 0


@pytest.mark.parametrize("attempt", [*COMPATIBLE, *NATIVE], ids=str)
async def test_a_bad_body_is_refused(matrix: Matrix, attempt: Attempt) -> None:
    found = await matrix.outcome("bad", attempt)
    if str(attempt) == "compatible-receiveNotification":
        assert (found.status, found.asked) == (200, 0)  # a poll has no body: what stands there is not looked at
        return
    if attempt.method.name in NEVER_WORK:
        assert found.status == 403
        return
    assert found.status == 400, found.reply.text
    if attempt.method.required and not attempt.takes_file:
        assert any(f"'{name}'" in found.reply.text for name in attempt.method.required), found.reply.text
    else:
        assert found.asked <= (attempt.method.takes in (Takes.JSON, Takes.RAW))


@pytest.mark.parametrize("attempt", [attempt for attempt in TYPED if attempt.bad], ids=str)
async def test_a_bad_request_is_pointed_at_and_not_asked(matrix: Matrix, attempt: Attempt) -> None:
    seat = matrix.own["typed", "bad"]
    mark = await matrix.seats.mark()
    for tail, body, pointer in attempt.bad:
        path = f"{seat.path}/{tail.replace('{}', seat.facts.get(attempt.needs, ''))}"
        reply = await matrix.seats.client.request(attempt.verb, path, headers=seat.tenant.headers, json=body)
        assert reply.status_code == 400, f"{tail} {body}: {reply.status_code} {reply.text}"
        assert [error["pointer"] for error in reply.json()["errors"]] == [pointer], f"{tail} {body}"
    assert await matrix.seats.asked(seat, mark) == {}


@pytest.mark.parametrize("attempt", [attempt for attempt in TYPED if attempt.body is not None], ids=str)
async def test_a_typed_body_that_is_no_json_is_refused(matrix: Matrix, attempt: Attempt) -> None:
    found = await matrix.outcome("bad", attempt)
    assert (found.status, found.problem["code"], found.asked) == (400, "invalid_json", 0), found.reply.text


PARTNERS = [method for method in METHODS.values() if method.group == "partner"]


@pytest.mark.parametrize("method", PARTNERS, ids=lambda method: method.name)
async def test_partners_are_served_by_us_and_tell_refusals_in_200(matrix: Matrix, method: Method) -> None:
    client, runtime = matrix.seats.client, matrix.seats.runtime
    cleo, bo = await make_tenant(runtime, name="Cleo"), await make_tenant(runtime, name="Bo")
    tokens = []
    for tenant in (cleo, bo):
        made = await client.post("/v1/partner_tokens", headers=tenant.headers, json={"name": "CRM"})
        tokens.append(made.json()["secret"])
    own = await client.post(f"/partner/createInstance/{tokens[0]}", json={"name": "shop"})
    number = own.json()["idInstance"]
    bodies = {"createInstance": {"name": "another"}, "deleteInstanceAccount": {"idInstance": number}}
    more = {"json": bodies[method.name]} if method.name in bodies else {}
    path = f"/partner/{method.name}"
    wrong = await client.request(method.verb, f"{path}/{tokens[0][:-1]}", **more)
    assert (wrong.status_code, wrong.json()) == (200, {"code": 401, "description": "Unauthorized"})
    others = await client.request(method.verb, f"{path}/{tokens[1]}", **more)
    assert others.status_code == 200
    assert str(number) not in others.text
    if method.name == "deleteInstanceAccount":
        assert others.json() == {"code": 404, "description": "Not found"}
    allowed = await client.request(method.verb, f"{path}/{tokens[0]}", **more)
    assert allowed.status_code == 200
    if method.name == "createInstance":  # one trial for each tenant
        assert allowed.json()["code"] == 402
    else:
        assert "code" not in allowed.text
    if method.verb == "POST":
        for raw in (b"{no json", b"[1]"):
            bad = await client.post(f"{path}/{tokens[0]}", content=raw)
            assert bad.status_code == 400, bad.text


def socket_of(matrix: Matrix, seat: Seat, token: str | None = None) -> str:
    """The address of the pairing socket."""
    path = seat.line(SOCKET) if token is None else seat.line(SOCKET).replace(seat.token, token)
    return str(matrix.seats.client.base_url).rstrip("/").replace("http", "ws") + path


async def test_the_socket_of_pairing(matrix: Matrix) -> None:
    seats = matrix.own
    async with asyncio.timeout(20), connect(socket_of(matrix, seats["typed", "garbage"])) as socket:
        assert json.loads(await socket.recv())["type"] == "alreadyLogged"
    refused = [
        (seats["typed", "garbage"], seats["typed", "401"].token, 401),
        (seats["typed", "expired"], None, 466),
    ]
    for seat, token, status in refused:
        with pytest.raises(InvalidStatus) as ended:
            async with connect(socket_of(matrix, seat, token)):
                pass
        assert ended.value.response.status_code == status
    seat = seats["typed", "lost"]
    for fault in ("401", "429", "466", "500", "502", "lost"):
        await matrix.seats.upstream.faults({"method": SOCKET, "id_instance": seat.upstream_id, **FAULTS[fault]})
        async with asyncio.timeout(20), connect(socket_of(matrix, seat)) as socket:
            told = json.loads(await socket.recv())
        assert told == {"type": "error", "message": "instance is starting or not authorized"}, fault
    await matrix.seats.upstream.faults()


SENDS = [
    replace(attempt, body=attempt.body and {**attempt.body, "to": CHAT})  # numbers go the ordinary way
    for attempt in ALL
    if attempt.label in ("sendMessage", "sendMessage:text")
]


@pytest.fixture(scope="module")
async def live(matrix: Matrix) -> dict[tuple[str, str], Seat]:
    """Accounts that are paid for, one for each face and fault."""
    places = [(attempt.face, fault) for attempt in SENDS for fault in FAULTS]
    made = await matrix.seats.make(len(places))
    async with matrix.seats.runtime.database.begin(SYSTEM) as uow:
        for seat in made:
            source = str(seat.instance.id)
            terms = await plans.go_live(uow, seat.tenant.tenant_id, seat.instance.id, days=1, source=source, note=None)
            terms.limits = None
    return dict(zip(places, made, strict=True))


def fast(outcome: str) -> float:
    """How many sends have ended so on the fast path."""
    return REGISTRY.get_sample_value("sublet_lane_sends_total", {"outcome": outcome}) or 0.0


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("attempt", SENDS, ids=str)
async def test_the_fast_path_tells_the_same(
    matrix: Matrix, live: dict[tuple[str, str], Seat], attempt: Attempt, fault: str
) -> None:
    seat = live[attempt.face, fault]
    before = fast("accepted")
    async with asyncio.timeout(20):
        while fast("accepted") == before:  # the first sends go the ordinary way
            assert (await matrix.call(attempt, seat)).is_success
    await matrix.seats.upstream.faults({"method": "*", "id_instance": seat.upstream_id, **FAULTS[fault]})
    mark, unknown = await matrix.seats.mark(), fast("unknown")
    reply = await matrix.call(attempt, seat)
    await matrix.seats.upstream.faults()
    status, code, asked = EXPECTED[attempt.face](fault, attempt)
    assert reply.status_code == status, reply.text
    assert code is None or reply.json()["code"] == code
    is_refusal = fault in ("401", "429", "466")  # it is asked again on the ordinary way, which has the words
    assert (await matrix.seats.asked(seat, mark))["sendMessage"] == asked + is_refusal
    assert fast("unknown") == unknown + (not is_refusal)
