"""The shapes of credentials, and what they may do."""

import base64
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.accounts.schemas import Preset, ScopeName
from app.accounts.scopes import PRESETS, ROLES, TENANT_SCOPES, Scope, asked_scopes, known_scopes
from app.accounts.tokens import kind_of, new_api_key, new_code, new_operator_key, new_session_token
from app.kit.crypto import BASE62, Keyring, new_key
from app.kit.log import mask

MADE = [
    (new_api_key("live"), "slt_sk_live_", "api_key"),
    (new_api_key("test"), "slt_sk_test_", "api_key"),
    (new_operator_key(), "slt_op_", "operator"),
    (new_session_token(), "slt_cst_", "session"),
]


@pytest.mark.parametrize(("token", "prefix", "kind"), MADE, ids=[kind + prefix for _, prefix, kind in MADE])
def test_a_token_tells_its_kind(token: str, prefix: str, kind: str) -> None:
    assert token.startswith(prefix)
    assert len(token) == len(prefix) + 43
    assert kind_of(token) == kind


@pytest.mark.parametrize(("token", "prefix", "kind"), MADE, ids=[kind + prefix for _, prefix, kind in MADE])
def test_one_wrong_character_is_seen(token: str, prefix: str, kind: str) -> None:
    for at in range(len(prefix), len(token)):
        other = BASE62[(BASE62.index(token[at]) + 1) % 62]
        assert kind_of(token[:at] + other + token[at + 1 :]) is None, (kind, at)


@given(st.text(max_size=80))
def test_no_other_text_is_a_token_and_none_breaks_the_check(text: str) -> None:
    assert kind_of(text) is None
    assert kind_of("slt_sk_live_" + text) is None


@pytest.mark.parametrize(("token", "prefix", "kind"), MADE, ids=[kind + prefix for _, prefix, kind in MADE])
def test_a_log_never_shows_a_token(token: str, prefix: str, kind: str) -> None:
    assert token not in mask(f'{{"{kind}": "{token}"}} Bearer {token} ?key={token}')
    assert token[len(prefix) :] not in mask(f"x{token}y")


def test_codes_are_six_digits() -> None:
    codes = {new_code() for _ in range(500)}
    assert all(len(code) == 6 and code.isdigit() for code in codes)
    assert len(codes) > 490


def test_another_pepper_makes_another_fingerprint() -> None:
    token = new_api_key("live")
    one, two = (Keyring.parse("1:" + base64.urlsafe_b64encode(new_key()).decode()) for _ in range(2))
    assert one.fingerprint(token) == one.fingerprint(token) != two.fingerprint(token)


def test_the_wire_names_every_scope_of_tenants_and_every_preset() -> None:
    assert set(get_args(ScopeName)) == {scope.value for scope in TENANT_SCOPES}
    assert set(get_args(Preset)) == set(PRESETS)


def test_nobody_of_a_tenant_is_an_operator() -> None:
    for scopes in (*PRESETS.values(), *ROLES.values(), asked_scopes(["operator"]), asked_scopes("full")):
        assert Scope.OPERATOR not in scopes


def test_presets_and_lists_are_scopes() -> None:
    assert asked_scopes("full") == TENANT_SCOPES
    assert asked_scopes(["keys:write", "keys:write"]) == {Scope.KEYS_WRITE}
    assert known_scopes(["keys:write", "gone:read"]) == {Scope.KEYS_WRITE}
    assert all(scope.endswith(":read") for scope in asked_scopes("read_only"))
