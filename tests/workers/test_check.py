"""`sublet providers check`: what is wrong with a gateway, in words, by the exit code, and with no token in them."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from app.cli import cli
from app.kit.db import SYSTEM
from app.suppliers import service as suppliers
from dev import database as databases
from tests.conftest import PARTNER_LIVE
from tests.factories import make_tenant
from tests.workers.capped import WHAPI_LIVE, Capped, capped


@pytest.fixture
async def house(dsns: databases.Dsns, redis_url: str, clean: None, http: httpx2.AsyncClient) -> AsyncIterator[Capped]:
    """Both gateways, and days in the pool of the one that wants them."""
    async with capped(dsns, redis_url, http) as made:
        await _fill(made, 100)
        yield made


async def _fill(house: Capped, days: int) -> None:
    await house.upstream.control("POST", "whapi/partners", {"token": WHAPI_LIVE, "days": days})


async def _check(house: Capped, *words: str, **changes: str) -> tuple[int, str]:
    """Exit code and what was said, in which no token is."""
    env = house.runtime.settings.as_environ() | {f"SUBLET_{name.upper()}": value for name, value in changes.items()}
    result = await asyncio.to_thread(CliRunner().invoke, cli, ["providers", "check", *words], env=env)
    assert not [token for token in (WHAPI_LIVE, PARTNER_LIVE, "canary") if token in result.output]
    return result.exit_code, result.output


async def test_all_is_well(house: Capped) -> None:
    code, said = await _check(house)
    assert (code, "error" in said, "warning" in said) == (0, False, False), said
    assert said.count("ok: It accepts the partner token. It lists 0 accounts, 0 of them of this deployment.") == 2
    assert "ok: The pool holds 100 days." in said
    assert "ok: It charges for each day that an account exists; there is no pool of days." in said
    assert "ok: At most 20 accounts are created in 30 minutes: 0 were, there is room now. 0 instances wait." in said
    assert "ok: It has no limit to how many accounts may be created." in said


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"whapi_partner_token": "canary.wrong"}, "It refuses the partner token"),
        ({"green_api_partner_token": "gac.canarywrong"}, "It refuses the partner token"),
        ({"whapi_url": "http://127.0.0.1:9"}, "It cannot be reached: the gateway could not be reached"),
        ({"green_api_url": "http://127.0.0.1:9"}, "It cannot be reached: the gateway could not be reached"),
        ({"whapi_url": "http://nowhere.invalid"}, "It cannot be reached: the gateway's host name is not known"),
        ({"whapi_project": "prj0nothere000000001"}, "The partner has no project of the id in the settings."),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
async def test_settings_that_cannot_work_are_explained(house: Capped, changes: dict[str, str], says: str) -> None:
    code, said = await _check(house, **changes)
    assert (code, f"error: {says}" in said) == (1, True), said
    assert said.count("error:") == 1


@pytest.mark.parametrize("name", ["whapi", "green_api"])
async def test_an_address_without_tls_is_told_apart(house: Capped, name: str) -> None:
    url = getattr(house.runtime.settings, f"{name}_url", None) or house.runtime.settings.gateway()[f"{name}_url"]
    code, said = await _check(house, name, **{f"{name}_url": url.replace("http://", "https://")})
    assert (code, "error: It cannot be reached: the gateway's address answers without TLS" in said) == (1, True), said


@pytest.mark.parametrize("name", ["whapi", "green_api"])
async def test_a_certificate_that_nobody_vouches_for_is_told_apart(house: Capped, name: str, tmp_path: Path) -> None:
    async with _untrusted(tmp_path) as url:
        code, said = await _check(house, name, **{f"{name}_url": url})
    assert (code, "error: It cannot be reached: the gateway's certificate is not trusted" in said) == (1, True), said


@pytest.mark.parametrize(
    ("fault", "code", "says"),
    [
        ({"status": 502, "body": "<html>bad gateway</html>"}, 1, "error: It does not answer as it should"),
        ({"status": 429}, 0, "warning: It was asked too often just now"),
        ({"status": 200, "body": "<html>a page of somebody</html>"}, 1, "error: It does not answer as it should"),
    ],
)
async def test_a_gateway_that_answers_oddly_is_told_apart(
    house: Capped, fault: dict[str, Any], code: int, says: str
) -> None:
    await house.upstream.faults({"method": "getChannels", "kind": "status", "provider": "whapi", **fault})
    found, said = await _check(house, "whapi")
    assert (found, says in said) == (code, True), said


@pytest.mark.parametrize(
    ("days", "code", "says"),
    [(0, 1, "error: The pool of days is empty"), (5, 0, "warning: The pool holds 5 days")],
)
async def test_what_is_in_the_pool(house: Capped, days: int, code: int, says: str) -> None:
    await _fill(house, days)
    found, said = await _check(house, "whapi")
    assert (found, says in said) == (code, True), said


async def test_a_balance_that_cannot_be_read_is_no_wrong_token(house: Capped) -> None:
    rule = {"method": "getPartner", "kind": "status", "status": 503, "provider": "whapi"}
    await house.upstream.faults(rule)
    code, said = await _check(house, "whapi")
    assert (code, "ok: It accepts the partner token" in said) == (0, True), said
    assert "warning: How many days are in the pool could not be read" in said


async def test_a_limit_that_is_reached_and_those_who_wait(house: Capped) -> None:
    tenant = await make_tenant(house.runtime)
    for number in range(21):
        await house.wish(tenant, f"{number}")
    await house.work()
    code, said = await _check(house, "whapi")
    assert code == 0
    assert "ok: It accepts the partner token. It lists 20 accounts, 20 of them of this deployment." in said
    assert "in 30 minutes: 20 were, the next in 1" in said
    assert "1 instances wait." in said


async def test_what_the_operator_has_set_is_recalled(house: Capped) -> None:
    async with house.runtime.database.begin(SYSTEM) as uow:
        await suppliers.pause(uow, "whapi", "live", "dearer")
        await suppliers.weigh(uow, "whapi", "live", 0)
    code, said = await _check(house, "whapi")
    assert (code, "warning: It takes no new instances since" in said, ": dearer" in said) == (0, True, True)
    assert "warning: Its weight is 0" in said


async def test_a_gateway_that_is_not_set_up_is_not_found(house: Capped) -> None:
    assert (await _check(house, "unknown"))[0] == 3
    assert (await _check(house, "whapi", "--environment", "test"))[0] == 3


@asynccontextmanager
async def _untrusted(folder: Path) -> AsyncIterator[str]:
    """A server whose certificate it has made itself: its address."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "here")])
    now = datetime.now(UTC)
    blank = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = blank.serial_number(x509.random_serial_number()).not_valid_before(now)
    certificate = made.not_valid_after(now + timedelta(days=1)).sign(key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    (folder / "key").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(pem)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "key")

    async def play(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(play, "127.0.0.1", 0, ssl=context)
    yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()
