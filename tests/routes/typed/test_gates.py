"""What every route of the typed face refuses, generated from the table of cases."""

from typing import Any

import pytest

from app.accounts.scopes import TENANT_SCOPES
from app.instances import service as instances
from app.kit import ids
from app.kit.db import SYSTEM
from tests.factories import make_key, make_tenant
from tests.routes.typed.cases import BY_OTHER_TESTS, CASES, Case, typed_operations
from tests.routes.typed.phone import Phone

ASKED_BEFORE = {"getSettings", "setSettings", "getWaSettings"}
"""While the instance was made."""
BAD = [(case, *bad) for case in CASES for bad in case.bad]


def test_no_route_is_forgotten() -> None:
    assert {case.operation for case in CASES} | BY_OTHER_TESTS == typed_operations()


async def test_a_bad_request_is_pointed_at_and_not_asked(phone: Phone) -> None:
    for case, tail, body, pointer in BAD:
        reply = await phone.call(case.verb, tail, body)
        assert reply.status_code == 400, f"{case} {tail} {body}: {reply.status_code} {reply.text}"
        assert reply.headers["content-type"] == "application/problem+json"
        assert [error["pointer"] for error in reply.json()["errors"]] == [pointer], f"{case} {tail} {body}"
    for case in CASES:
        if case.body is not None:
            for raw in (b"{", b"[]", b"", b'{"a":"\xff"}'):
                reply = await phone.call(case.verb, case.tail, content=raw, kind="application/json")
                assert reply.status_code == 400, f"{case} {raw!r}: {reply.status_code}"
    for method in {case.method for case in CASES} - ASKED_BEFORE:
        assert await phone.asked(method) == [], method


async def test_a_picture_that_is_none_is_refused(phone: Phone) -> None:
    for case in CASES:
        if not case.picture:
            continue
        for content, kind, status in (
            (b"", "image/jpeg", 400),
            (b"GIF89a", "image/jpeg", 400),
            (b"\xff\xd8\xff", "image/png", 415),
            (b"{}", "application/json", 415),
            (b"\xff\xd8\xff" + bytes(5 * 1024 * 1024), "image/jpeg", 413),
            (b"--a\r\n", "multipart/form-data; boundary=a", 400),
            (b"--a--\r\n", "multipart/form-data; boundary=a", 400),
        ):
            reply = await phone.call(case.verb, case.tail, content=content, kind=kind)
            assert reply.status_code == status, f"{case} {kind}: {reply.status_code} {reply.text}"
        assert await phone.asked(case.method) == []


async def test_each_scope_is_needed_and_enough(phone: Phone) -> None:
    for case in CASES:
        without = await make_key(phone.sender.runtime, phone.sender.tenant, scopes=TENANT_SCOPES - {case.scope})
        reply = await phone.call(case.verb, case.tail, case.body, headers=without, **case.more)
        assert (reply.status_code, reply.json()["required_scopes"]) == (403, [str(case.scope)]), str(case)
    only = {
        scope: await make_key(phone.sender.runtime, phone.sender.tenant, scopes=[scope])
        for scope in {case.scope for case in CASES}
    }
    for case in CASES:
        reply = await phone.call(case.verb, case.tail, case.body, headers=only[case.scope], **case.more)
        assert reply.status_code not in (401, 403) or reply.json()["code"] != "insufficient_scope", str(case)


async def test_another_tenants_instance_is_not_there(phone: Phone) -> None:
    other = await make_tenant(phone.sender.runtime, name="Bo")
    sandbox = await make_key(phone.sender.runtime, phone.sender.tenant, environment="test")
    elsewhere = await make_key(phone.sender.runtime, phone.sender.tenant, instance_ids=[ids.new_id()])
    for headers in (other.headers, sandbox, elsewhere):
        for case in CASES:
            reply = await phone.call(case.verb, case.tail, case.body, headers=headers, **case.more)
            assert (reply.status_code, reply.json()["code"]) == (404, "resource_not_found"), str(case)
    for method in {case.method for case in CASES} - ASKED_BEFORE:
        assert await phone.asked(method) == [], method


async def test_an_expired_trial_closes_all_that_counts(phone: Phone) -> None:
    await phone.end_trial()
    for case in CASES:
        reply = await phone.call(case.verb, case.tail, case.body, **case.more)
        if case.asked.counts is None:
            assert reply.status_code < 300, f"{case}: {reply.text}"
        else:
            assert (reply.status_code, reply.json()["code"]) == (402, "trial_expired"), str(case)


async def test_a_suspended_instance_only_tells_of_itself(phone: Phone) -> None:
    async with phone.sender.runtime.database.begin(SYSTEM) as uow:
        await instances.suspend(uow, await instances.find(uow, phone.sender.instance.id))
    for case in CASES:
        reply = await phone.call(case.verb, case.tail, case.body, **case.more)
        if case.asked.counts is None:
            assert reply.status_code < 300, f"{case}: {reply.text}"
        else:
            assert (reply.status_code, reply.json()["code"]) == (403, "instance_suspended"), f"{case}: {reply.text}"


@pytest.mark.parametrize(
    ("fault", "status", "codes"),
    [
        ({"kind": "status", "status": 401}, 409, {"instance_not_ready"}),
        ({"kind": "status", "status": 429}, 429, {"rate_limited", "send_rate_limited"}),
        ({"kind": "status", "status": 466, "body": {"invokeStatus": {"method": "x"}}}, 429, {"quota_exceeded"}),
        ({"kind": "plain_text_400"}, None, set()),
        ({"kind": "refuse"}, None, set()),
    ],
    ids=["401", "429", "466", "plain", "refuse"],
)
async def test_what_the_gateway_refuses_was_not_done(
    phone: Phone, fault: dict[str, Any], status: int | None, codes: set[str]
) -> None:
    await phone.sender.upstream.faults({"method": "*", **fault})
    for case in CASES:
        reply = await phone.call(case.verb, case.tail, case.body, **case.more)
        problem = reply.json()
        assert reply.status_code in ({400, 404, 409, 502} if status is None else {status}), f"{case}: {reply.text}"
        assert status is None or problem["code"] in codes, f"{case}: {reply.text}"
        assert problem.get("detail") != "", str(case)


@pytest.mark.parametrize("kind", ["lose_answer", "garbage", "status"])
async def test_an_answer_that_never_comes(phone: Phone, kind: str) -> None:
    """What may have been done is never done again by us; what does no harm is asked once more."""
    await phone.sender.upstream.faults({"method": "*", "kind": kind})
    for case in CASES:
        before = len(await phone.asked(case.method))
        reply = await phone.call(case.verb, case.tail, case.body, **case.more)
        assert reply.status_code in (502, 504), f"{case}: {reply.status_code} {reply.text}"
        asked = len(await phone.asked(case.method)) - before
        if case.asked.retry == "ambiguous":
            assert (reply.status_code, reply.json()["retryable"], asked) == (504, False, 1), f"{case}: {reply.text}"
        else:
            assert asked <= 2, str(case)
            assert reply.json()["retryable"] is True, f"{case}: {reply.text}"


@pytest.mark.parametrize("case", [case for case in CASES if case.verb == "POST"], ids=str)
async def test_a_key_asks_once(phone: Phone, case: Case) -> None:
    await phone.sender.upstream.faults({"method": case.method, "kind": "refuse", "times": 1})
    refused = await phone.call(case.verb, case.tail, case.body, key="k0")
    assert refused.status_code >= 400
    await phone.sender.upstream.faults()
    first = await phone.call(case.verb, case.tail, case.body, key="k1")
    before = len(await phone.asked(case.method))
    again = await phone.call(case.verb, case.tail, case.body, key="k1")
    if first.status_code < 300:
        assert (again.status_code, again.content) == (first.status_code, first.content)
        assert again.headers["Idempotent-Replayed"] == "true"
        assert "Idempotent-Replayed" not in first.headers
        assert again.headers.get("Location") == first.headers.get("Location")
        assert len(await phone.asked(case.method)) == before
    other = await phone.call(case.verb, case.tail, {**case.body, "surprise": 1}, key="k1")
    assert other.status_code == 400


async def test_a_key_whose_answer_was_lost_never_asks_again(phone: Phone) -> None:
    body = {"name": "Crew", "participants": ["+79990005544"]}
    await phone.sender.upstream.faults({"method": "createGroup", "kind": "lose_answer", "times": 1})
    for _ in range(3):
        reply = await phone.call("POST", "groups", body, key="k1")
        assert (reply.status_code, reply.json()["code"]) == (504, "upstream_timeout"), reply.text
    assert len((await phone.truth("groups"))["groups"]) == 1
    assert (await phone.call("POST", "groups", body, key="k2")).status_code == 201
