"""What the GREEN-API wing concludes from the answers that pages and issues tell of."""

import pytest

from app.providers.errors import (
    CredentialRefused,
    NotLinked,
    NotReady,
    NotThere,
    OutcomeUnknown,
    ProviderError,
    QuotaReached,
    Refused,
    TooFast,
)
from app.providers.port import Link
from tests.providers.conftest import (
    CREDENTIALS,
    WISH,
    answering,
    assert_silent,
    green_api,
    raw_server,
    reply,
    text,
)


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (401, b"", NotReady),
        (401, b'{"message":"Unauthorized"}', CredentialRefused),
        (403, b"Forbidden", NotThere),
        (403, b" <html>blocked by a firewall</html>", Refused),
        (404, b"Not Found", Refused),
        (400, b"Instance is deleted", NotThere),
        (400, b'{"message":"Instance is deleted"}', NotThere),
        (400, b'"Instance is deleted"', NotThere),
        (400, b"Instance account is expired. Renew your instance from personal area", NotReady),
        (400, b"instance in starting process try later", NotReady),
        (400, b"instance is starting or not authorized", NotLinked),
        (400, b"instance account not authorized", NotLinked),
        (400, b'{"message":"Validation failed. Details: instance is deleted"}', Refused),
        (400, b"\xff\xfe", Refused),
        (413, b"<html>", Refused),
        (429, b"", TooFast),
        (466, b'{"invokeStatus":{}}', QuotaReached),
        (200, b"null", OutcomeUnknown),
    ],
)
async def test_refusals_of_a_send(status: int, body: bytes, error: type[ProviderError]) -> None:
    async with raw_server(answering(reply(body, status))) as server:
        wing = green_api(server.url)
        with pytest.raises(ProviderError) as caught:
            await wing.send(CREDENTIALS, text("hello"))
        await wing.close()
        assert type(caught.value) is error
        assert len(server.requests) == 1
        assert_silent(caught.value)


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (200, b'{"code":401,"description":"Unauthorized"}', CredentialRefused),
        (200, b'{"code":404,"description":"Not found"}', NotThere),
        (200, b'{"code":100}', Refused),
        (200, b'{"code":500}', OutcomeUnknown),
        (200, b'{"code":"odd"}', OutcomeUnknown),
        (200, b'{"code":200}', OutcomeUnknown),
        (200, b"null", OutcomeUnknown),
        (400, b'{"code":100}', Refused),
        (400, b'{"code":200}', OutcomeUnknown),
        (401, b"", CredentialRefused),
        (403, b"", Refused),
        (502, b"Bad Gateway", OutcomeUnknown),
    ],
)
async def test_refusals_of_a_creation(status: int, body: bytes, error: type[ProviderError]) -> None:
    async with raw_server(answering(reply(body, status))) as server:
        wing = green_api(server.url)
        with pytest.raises(ProviderError) as caught:
            await wing.create(WISH)
        await wing.close()
        assert type(caught.value) is error
        assert_silent(caught.value)


@pytest.mark.parametrize("body", [b'{"deleteInstanceAccount":true}', b'{"code":200}', b'{"code":404}'])
async def test_what_counts_as_deleted(body: bytes) -> None:
    async with raw_server(answering(reply(body))) as server:
        wing = green_api(server.url)
        await wing.delete("1")
        await wing.close()


async def test_the_time_to_wait_is_passed_on() -> None:
    async with raw_server(answering(reply(b"", 429, head="Retry-After: 7\r\n"))) as server:
        wing = green_api(server.url)
        with pytest.raises(TooFast) as caught:
            await wing.link(CREDENTIALS)
        await wing.close()
        assert caught.value.retry_after_seconds == 7.0


@pytest.mark.parametrize(
    ("state", "link"),
    [
        ("notAuthorized", Link.UNPAIRED),
        ("authorized", Link.CONNECTED),
        ("yellowCard", Link.CONNECTED),
        ("starting", Link.STARTING),
        ("blocked", Link.BLOCKED),
        ("sleepMode", Link.DISCONNECTED),
        ("suspended", Link.DISCONNECTED),
        ("pendingCode", Link.UNKNOWN),
        ("", Link.UNKNOWN),
    ],
)
async def test_states(state: str, link: Link) -> None:
    async with raw_server(answering(reply(f'{{"stateInstance":"{state}"}}'.encode()))) as server:
        wing = green_api(server.url)
        assert await wing.link(CREDENTIALS) is link
        await wing.close()


async def test_a_large_listing_is_read_and_deleted_rows_are_not_ours() -> None:
    row = b'{"idInstance":%d,"name":"n","apiTokenInstance":"t","deleted":%s,"timeCreated":"2022-06-15T08:05:37"}'
    rows = b",".join(row % (number, b"true" if number % 2 else b"false") for number in range(40_000))
    async with raw_server(answering(reply(b"[" + rows + b"]"))) as server:
        wing = green_api(server.url, 5)
        listed = await wing.listing()
        await wing.close()
    assert len(listed) == 20_000
    assert {int(row.account) % 2 for row in listed} == {0}


@pytest.mark.parametrize("body", [b'[{"name":"a"}]', b"[1]", b"{}", b'{"code":200}'])
async def test_a_listing_with_an_unreadable_row_concludes_nothing(body: bytes) -> None:
    async with raw_server(answering(reply(body))) as server:
        wing = green_api(server.url)
        with pytest.raises(OutcomeUnknown):
            await wing.listing()
        await wing.close()
