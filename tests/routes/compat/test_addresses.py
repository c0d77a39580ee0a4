"""Addresses and verbs as lenient as the upstream's, and everything else as it was."""

import json

import httpx2
import pytest
from prometheus_client import generate_latest

from app.kit.log import mask
from tests.routes.compat.conftest import LineClient, get, raw_request
from tests.witness import watching


async def test_every_spelling_of_an_address_is_served(line: LineClient) -> None:
    number, token = line.number, line.token
    for path in (
        f"/waInstance{number}/getStateInstance/{token}",
        f"//waInstance{number}//getStateInstance//{token}//",
        f"/WAINSTANCE{number}/GETSTATEINSTANCE/{token}",
        f"/green/waInstance{number}/GetStateInstance/{token}/",
        f"/green//waInstance{number}/getStateInstance/{token}?x=1",
    ):
        status, headers, body = await raw_request(line.http, get(path))
        assert (status, body) == (200, b'{"stateInstance":"authorized"}'), path
        assert headers["access-control-allow-origin"] == "*"
        assert headers["content-type"].startswith("application/json")


async def test_browsers_may_ask_first(line: LineClient) -> None:
    for path in (line.path("sendMessage"), "/waInstance1/sendMessage/x", "/partner/getInstances/x"):
        reply = await line.http.request("OPTIONS", path)
        assert (reply.status_code, reply.content) == (200, b"")
        assert reply.headers["access-control-allow-origin"] == "*"
        assert reply.headers["access-control-allow-methods"] == "GET, POST, OPTIONS, DELETE, HEAD"
        assert reply.headers["access-control-max-age"] == "1728000"


@pytest.mark.parametrize(
    ("verb", "path"),
    [
        ("GET", "/waInstance7700000001/sendMessage/tok"),
        ("PUT", "/waInstance7700000001/sendMessage/tok"),
        ("POST", "/waInstance7700000001/getStateInstance/tok"),
        ("GET", "/waInstance7700000001/noSuchMethod/tok"),
        ("GET", "/waInstance7700000001/getInstances/tok"),
        ("GET", "/waInstance7700000001/getStateInstance"),
        ("GET", "/waInstance7700000001/getStateInstance/tok/1/2"),
        ("GET", "/waInstance7700000001/scanqrcode/tok"),
        ("DELETE", "/partner/getInstances/gac.x"),
        ("GET", "/partner/nothing/gac.x"),
    ],
)
async def test_a_wrong_verb_or_path_is_404_in_the_upstreams_manner(
    client: httpx2.AsyncClient, verb: str, path: str
) -> None:
    reply = await client.request(verb, path)
    assert (reply.status_code, reply.text) == (404, "Not Found")


async def test_other_paths_stay_ours(client: httpx2.AsyncClient) -> None:
    for path in ("/a/b/c", "/green/b/c", "/a/b/c/d", "/instance7700000001/qr/tok", "/v1/nothing/here"):
        reply = await client.get(path)
        assert reply.status_code == 404, path
        assert reply.headers["content-type"] == "application/problem+json"
        assert reply.json()["code"] == "route_not_found"
    assert (await client.get("/livez")).json() == {"status": "ok"}
    assert (await client.get("/v1/plans")).status_code == 200
    assert (await client.get("/docs")).status_code == 200
    assert (await client.get("/waInstanceX/qr/tok")).status_code == 403


async def test_no_token_reaches_a_log_or_a_metric(line: LineClient) -> None:
    async with watching() as witness:
        await line.call("GET", "getStateInstance")
        await line.http.get(f"/waInstance{line.number}/getStateInstance/some-other-token")
        await line.http.get(f"/waInstance{line.number}/{line.token}/{line.token}")
        await line.http.get("/partner/getInstances/gac.someTokenOfSomebody")
        reply = await line.call("POST", "sendMessage", json={"chatId": "79990003344@c.us"})
        seen = witness.logs.getvalue()
    assert "/waInstance{id}/getStateInstance/{token}" in seen
    told = generate_latest().decode() + seen
    for secret in (line.token, "some-other-token", "someTokenOfSomebody"):
        assert secret not in told
    assert line.token not in reply.text
    assert json.loads(reply.text)["path"] == f"/waInstance{line.number}/sendMessage/***"


def test_the_net_below_the_logs_cuts_tokens_out_of_paths() -> None:
    for path in ("/waInstance7700000001/sendMessage/secret/12?x=1", "//WAINSTANCE1//qr//secret", "/partner/x/secret"):
        assert "secret" not in mask(f"GET {path} HTTP/1.1")
        assert mask(f"GET {path} HTTP/1.1").startswith("GET /")
    assert mask("/waInstance/method of a page") == "/waInstance/method of a page"
