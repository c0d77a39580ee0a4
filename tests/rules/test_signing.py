"""Signatures are what the Standard Webhooks library makes and accepts."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from app.webhooks.signing import new_secret, signed_headers

BODY = '{"text":"Grüße 👋","n":1}'.encode()
ID = "evt_01m7zpzh3pekgt8zb1y8xg42jx"


def test_a_secret_is_32_random_bytes() -> None:
    secrets = {new_secret() for _ in range(100)}
    assert len(secrets) == 100
    assert {len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) for secret in secrets} == {32}
    assert all(secret.startswith("whsec_") for secret in secrets)


def test_the_signature_is_the_librarys() -> None:
    secret, at = new_secret(), datetime(2026, 11, 21, 18, 24, 3, 999_000, tzinfo=UTC)
    headers = signed_headers(ID, at, BODY, [secret])
    assert headers["webhook-signature"] == Webhook(secret).sign(ID, at, BODY.decode())
    assert headers["webhook-timestamp"] == "1795285443"
    assert headers["content-type"] == "application/json"


def test_each_of_two_secrets_verifies_and_a_third_does_not() -> None:
    new, old, other = new_secret(), new_secret(), new_secret()
    headers = signed_headers(ID, datetime.now(UTC), BODY, [new, old])
    assert Webhook(new).verify(BODY, headers) == Webhook(old).verify(BODY, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(other).verify(BODY, headers)


def test_an_old_signature_is_not_accepted() -> None:
    secret = new_secret()
    headers = signed_headers(ID, datetime.now(UTC) - timedelta(minutes=6), BODY, [secret])
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(BODY, headers)


def test_no_header_holds_the_secret() -> None:
    secret = new_secret()
    text = str(signed_headers(ID, datetime.now(UTC), BODY, [secret]))
    assert secret not in text
    assert secret.removeprefix("whsec_") not in text
