"""From an address to an account, over HTTP and SMTP."""

import asyncio
import re
from datetime import timedelta
from typing import Any

import httpx2
from sqlalchemy import event, func, select

from app.accounts.models import ApiKey, EmailCode, Membership, Tenant, User
from app.instances.models import Instance
from app.kit.db import SYSTEM
from app.runtime import Runtime
from dev.mailbox import Letter, Mailbox
from tests.conftest import Drain
from tests.factories import bearer

SIGN_UP = {"email": "ada@example.com", "organization_name": "Acme", "accept_terms": True}


async def ask(client: httpx2.AsyncClient, email: str = "ada@example.com", **more: Any) -> httpx2.Response:
    """Sign up."""
    return await client.post("/v1/auth/sign_ups", json={**SIGN_UP, "email": email, **more})


async def mailed(mailbox: Mailbox, drain: Drain, email: str = "ada@example.com", *, count: int = 1) -> Letter:
    """The newest letter, once so many have come."""

    async def come() -> bool:
        return len(mailbox.to(email)) >= count

    await drain(come)
    return mailbox.to(email)[0]


def digits(letter: Letter) -> str:
    """The code in a letter."""
    found = re.search(r"\b\d{6}\b", letter.text)
    assert found is not None, letter.text
    return found.group()


async def signed_up(
    client: httpx2.AsyncClient, mailbox: Mailbox, drain: Drain, email: str = "ada@example.com"
) -> dict[str, Any]:
    """A finished sign-up's answer."""
    mailbox.letters.clear()
    assert (await ask(client, email)).status_code == 202
    code = digits(await mailed(mailbox, drain, email))
    made = await client.post("/v1/auth/sessions", json={"email": email, "code": code})
    assert made.status_code == 201, made.text
    answer: dict[str, Any] = made.json()
    return answer


async def count(runtime: Runtime, model: Any) -> int:
    """Rows of a table."""
    async with runtime.database.begin(SYSTEM) as uow:
        return await uow.session.scalar(select(func.count()).select_from(model)) or 0


async def test_a_code_from_the_mail_opens_an_account_with_all_it_begins_with(
    client: httpx2.AsyncClient, runtime: Runtime, mailbox: Mailbox, drain: Drain
) -> None:
    made = await signed_up(client, mailbox, drain)
    assert made["object"] == "session"
    assert made["token"].startswith("slt_cst_")
    assert made["user"]["email"] == "ada@example.com"
    assert made["organization"]["name"] == "Acme"
    assert made["api_key"]["secret"].startswith("slt_sk_live_")
    assert made["instance_id"].startswith("inst_")
    assert made["operation_id"].startswith("op_")
    me = (await client.get("/v1/me", headers=bearer(made["token"]))).json()
    assert (me["kind"], me["role"], me["user"]) == ("session", "owner", made["user"])
    current = await client.get("/v1/api_keys/current", headers=bearer(made["api_key"]["secret"]))
    assert current.json()["id"] == made["api_key"]["id"]
    async with runtime.database.begin(SYSTEM) as uow:
        instance = (await uow.session.scalars(select(Instance))).one()
        assert (instance.name, instance.environment, instance.wanted) == ("Acme", "live", True)


async def test_nothing_but_the_code_exists_before_the_address_is_verified(
    client: httpx2.AsyncClient, runtime: Runtime
) -> None:
    await ask(client)
    assert [await count(runtime, model) for model in (Tenant, User, Instance, ApiKey, EmailCode)] == [0, 0, 0, 0, 1]


async def test_the_answer_is_the_same_for_known_and_unknown_addresses(
    client: httpx2.AsyncClient, mailbox: Mailbox, drain: Drain
) -> None:
    await signed_up(client, mailbox, drain)
    answers = [await ask(client), await ask(client, "new@example.com")]
    for email in ("ada@example.com", "new@example.com", "nobody@example.com"):
        answers.append(await client.post("/v1/auth/email_codes", json={"email": email}))
    assert {(answer.status_code, answer.text) for answer in answers} == {
        (202, '{"object":"email_code","expires_in_seconds":600}')
    }


async def test_a_known_address_is_told_so_in_the_mail_and_signs_in_to_its_account(
    client: httpx2.AsyncClient, runtime: Runtime, mailbox: Mailbox, drain: Drain
) -> None:
    first = await signed_up(client, mailbox, drain)
    await ask(client, organization_name="Another")
    letter = await mailed(mailbox, drain, count=2)
    assert "already have an account" in letter.text
    again = await client.post("/v1/auth/sessions", json={"email": "ada@example.com", "code": digits(letter)})
    assert again.status_code == 201
    assert again.json()["organization"] == first["organization"]
    assert again.json()["api_key"] is again.json()["instance_id"] is again.json()["operation_id"] is None
    assert await count(runtime, Tenant) == 1


async def test_an_address_without_account_gets_no_code_when_it_asks_to_sign_in(
    client: httpx2.AsyncClient, runtime: Runtime, mailbox: Mailbox, drain: Drain
) -> None:
    mailbox.letters.clear()
    await client.post("/v1/auth/email_codes", json={"email": "nobody@example.com"})
    letter = await mailed(mailbox, drain, "nobody@example.com")
    assert "no account" in letter.text
    assert not re.search(r"\d{6}", letter.subject + letter.text)


async def test_twenty_spellings_of_one_address_make_one_account(
    client: httpx2.AsyncClient, runtime: Runtime, mailbox: Mailbox, drain: Drain
) -> None:
    names = ["ada.lovelace", "a.dalovelace", "adalovelace", "AdaLovelace", "ada.love.lace"]
    spellings = [
        f"{name}{tag}@{domain}" for name in names for tag in ("", "+x") for domain in ("gmail.com", "googlemail.com")
    ]
    assert len(set(spellings)) == 20
    organizations = set()
    for at, spelling in enumerate(spellings):
        runtime.database.shift = timedelta(hours=2 * at)
        await ask(client, spelling)
        await mailed(mailbox, drain, spellings[0], count=at + 1)
        newest = mailbox.letters[-1]
        made = await client.post("/v1/auth/sessions", json={"email": spelling, "code": digits(newest)})
        organizations.add(made.json()["organization"]["id"])
    assert len(organizations) == 1
    assert await count(runtime, Tenant) == await count(runtime, User) == await count(runtime, Instance) == 1


async def test_the_code_of_an_account_goes_to_its_verified_address_and_not_to_an_alias(
    client: httpx2.AsyncClient, mailbox: Mailbox, drain: Drain
) -> None:
    await signed_up(client, mailbox, drain)
    mailbox.letters.clear()
    await ask(client, "ada+evil@example.com")
    await mailed(mailbox, drain)
    assert mailbox.to("ada+evil@example.com") == []


async def test_a_code_that_an_alias_asked_for_is_dead_once_the_address_is_verified(
    client: httpx2.AsyncClient, runtime: Runtime, mailbox: Mailbox, drain: Drain
) -> None:
    mailbox.letters.clear()
    await ask(client, "ada+evil@example.com")
    theirs = digits(await mailed(mailbox, drain, "ada+evil@example.com"))
    await ask(client)
    mine = digits(await mailed(mailbox, drain))
    assert (await client.post("/v1/auth/sessions", json={"email": "ada@example.com", "code": mine})).status_code == 201
    for email in ("ada+evil@example.com", "ada@example.com"):
        refused = await client.post("/v1/auth/sessions", json={"email": email, "code": theirs})
        assert refused.status_code == 401
    assert await count(runtime, Tenant) == 1


async def test_known_and_unknown_addresses_cost_the_same_statements(
    client: httpx2.AsyncClient, runtime: Runtime, mailbox: Mailbox, drain: Drain
) -> None:
    await signed_up(client, mailbox, drain)
    statements: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        statements.append(statement)

    async def cost(path: str, body: dict[str, Any]) -> list[str]:
        statements.clear()
        await client.post(path, json=body)
        return list(statements)

    event.listen(runtime.database.system_engine.sync_engine, "before_cursor_execute", note)
    try:
        for path, body in (
            ("/v1/auth/sign_ups", SIGN_UP),
            ("/v1/auth/email_codes", {}),
            ("/v1/auth/sessions", {"code": "000000"}),
        ):
            costs = [await cost(path, {**body, "email": email}) for email in ("ada@example.com", "new@example.com")]
            assert costs[0] == costs[1], path
            assert costs[0]
    finally:
        event.remove(runtime.database.system_engine.sync_engine, "before_cursor_execute", note)


async def test_an_hour_holds_five_codes_for_one_person_and_the_sixth_is_not_told(
    client: httpx2.AsyncClient, runtime: Runtime
) -> None:
    answers = await asyncio.gather(*(ask(client, f"ada+{number}@example.com") for number in range(12)))
    assert {answer.status_code for answer in answers} == {202}
    assert await count(runtime, EmailCode) == 5
    runtime.database.shift = timedelta(hours=1, minutes=1)
    await ask(client)
    assert await count(runtime, EmailCode) == 6


async def test_two_verifications_at_once_make_one_tenant(
    client: httpx2.AsyncClient, runtime: Runtime, mailbox: Mailbox, drain: Drain
) -> None:
    mailbox.letters.clear()
    await ask(client)
    body = {"email": "ada@example.com", "code": digits(await mailed(mailbox, drain))}
    answers = await asyncio.gather(*(client.post("/v1/auth/sessions", json=body) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [201] + [401] * 7
    for model in (Tenant, User, Membership, ApiKey, Instance):
        assert await count(runtime, model) == 1


async def test_brute_force_ends_after_five_tries_however_many_at_once(
    client: httpx2.AsyncClient, runtime: Runtime, mailbox: Mailbox, drain: Drain
) -> None:
    mailbox.letters.clear()
    await ask(client)
    right = digits(await mailed(mailbox, drain))
    wrong = [f"{(int(right) + step) % 1_000_000:06d}" for step in range(1, 51)]
    guesses = [client.post("/v1/auth/sessions", json={"email": "ada@example.com", "code": code}) for code in wrong]
    answers = await asyncio.gather(*guesses)
    assert {answer.status_code for answer in answers} == {401}
    async with runtime.database.begin(SYSTEM) as uow:
        assert (await uow.session.scalars(select(EmailCode.tries))).all() == [5]
    late = await client.post("/v1/auth/sessions", json={"email": "ada@example.com", "code": right})
    assert late.status_code == 401
    assert await count(runtime, Tenant) == 0


async def test_wrong_expired_used_and_unknown_codes_are_refused_alike(
    client: httpx2.AsyncClient, runtime: Runtime, mailbox: Mailbox, drain: Drain
) -> None:
    made = await signed_up(client, mailbox, drain)
    used = digits(mailbox.to("ada@example.com")[0])
    await ask(client)
    fresh = digits(await mailed(mailbox, drain, count=2))
    wrong = "000000" if fresh != "000000" else "111111"
    answers = [
        await client.post("/v1/auth/sessions", json={"email": email, "code": code})
        for email, code in (("ada@example.com", used), ("ada@example.com", wrong), ("x@example.com", fresh))
        if code != fresh or email != "ada@example.com"
    ]
    runtime.database.shift = timedelta(minutes=10, seconds=1)
    answers.append(await client.post("/v1/auth/sessions", json={"email": "ada@example.com", "code": fresh}))
    seen = {
        (answer.status_code, answer.json()["code"], answer.json()["title"], answer.json().get("detail"))
        for answer in answers
    }
    assert seen == {(401, "invalid_code", "The code is wrong, expired or used; ask for a new one", None)}
    assert made["organization"]["name"] == "Acme"


async def test_an_older_code_still_works_while_it_lives(
    client: httpx2.AsyncClient, mailbox: Mailbox, drain: Drain
) -> None:
    mailbox.letters.clear()
    await ask(client)
    first = digits(await mailed(mailbox, drain))
    await ask(client)
    second = digits(await mailed(mailbox, drain, count=2))
    made = await client.post("/v1/auth/sessions", json={"email": "ada@example.com", "code": first})
    assert made.status_code == 201
    spent = await client.post("/v1/auth/sessions", json={"email": "ada@example.com", "code": second})
    assert spent.status_code == 401


async def test_signing_out_ends_the_session(client: httpx2.AsyncClient, mailbox: Mailbox, drain: Drain) -> None:
    made = await signed_up(client, mailbox, drain)
    headers = bearer(made["token"])
    assert (await client.delete("/v1/auth/sessions/current", headers=headers)).status_code == 204

    async def refused() -> bool:
        return (await client.get("/v1/me", headers=headers)).status_code == 401

    await drain(refused)
    assert (await client.get("/v1/me", headers=headers)).json()["code"] == "session_expired"
    key = bearer(made["api_key"]["secret"])
    refused_key = await client.delete("/v1/auth/sessions/current", headers=key)
    assert (refused_key.status_code, refused_key.json()["code"]) == (403, "role_forbidden")
    assert (await client.delete("/v1/auth/sessions/current")).status_code == 401


async def test_a_session_ends_after_thirty_days(
    client: httpx2.AsyncClient, runtime: Runtime, mailbox: Mailbox, drain: Drain
) -> None:
    made = await signed_up(client, mailbox, drain)
    runtime.database.shift = timedelta(days=30, seconds=1)
    runtime.authenticator.forget()
    assert (await client.get("/v1/me", headers=bearer(made["token"]))).json()["code"] == "session_expired"


async def test_a_suspended_organization_is_not_signed_in_to(
    client: httpx2.AsyncClient, runtime: Runtime, mailbox: Mailbox, drain: Drain
) -> None:
    await signed_up(client, mailbox, drain)
    async with runtime.database.begin(SYSTEM) as uow:
        (await uow.session.scalars(select(Tenant))).one().status = "suspended"
    await client.post("/v1/auth/email_codes", json={"email": "ada@example.com"})
    code = digits(await mailed(mailbox, drain, count=2))
    refused = await client.post("/v1/auth/sessions", json={"email": "ada@example.com", "code": code})
    assert (refused.status_code, refused.json()["code"]) == (403, "organization_suspended")


async def test_bad_wishes_are_refused_with_the_place_of_the_fault(client: httpx2.AsyncClient) -> None:
    faults: list[tuple[dict[str, Any], str]] = [
        ({"email": "nobody"}, "#/email"),
        ({"email": "a@b"}, "#/email"),
        ({"email": "a\u0000@example.com"}, "#/email"),
        ({"email": "ü@example.com"}, "#/email"),
        ({"email": f"{'a' * 250}@example.com"}, "#/email"),
        ({"organization_name": ""}, "#/organization_name"),
        ({"organization_name": "x" * 61}, "#/organization_name"),
        ({"organization_name": "a\u0000"}, "#/organization_name"),
        ({"locale": "en\n"}, "#/locale"),
        ({"accept_terms": False}, "#/accept_terms"),
        ({"accept_terms": "yes"}, "#/accept_terms"),
        ({"more": 1}, "#/more"),
    ]
    for wrong, pointer in faults:
        answer = await client.post("/v1/auth/sign_ups", json={**SIGN_UP, **wrong})
        assert answer.status_code == 400, wrong
        assert answer.json()["errors"][0]["pointer"] == pointer, answer.text
    for body in (b"", b"{", b"[]", b"null", b'{"email": "\xff"}'):
        answer = await client.post("/v1/auth/sign_ups", content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code == 400, (body, answer.text)
    short = await client.post("/v1/auth/sessions", json={"email": "ada@example.com", "code": "12345"})
    assert short.json()["errors"][0]["pointer"] == "#/code"
