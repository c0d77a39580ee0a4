"""The environment is read once, checked, and its secrets stay hidden."""

import base64
from pathlib import Path

import pytest

from app.settings import Settings, SettingsInvalid

KEY = "1:" + base64.urlsafe_b64encode(b"k" * 32).decode()
GOOD = {
    "SUBLET_DATABASE_URL": "postgresql+asyncpg://app:canary@127.0.0.1/x",
    "SUBLET_SYSTEM_DATABASE_URL": "postgresql+asyncpg://system:canary@127.0.0.1/x",
    "SUBLET_REDIS_URL": "redis://:canary@127.0.0.1/0",
    "SUBLET_SECRET_KEYS": KEY,
}


def test_a_good_environment_is_read_with_its_types() -> None:
    settings = Settings.load(GOOD | {"SUBLET_PORT": "9000", "SUBLET_QUIET_SECONDS": "1.5", "HOME": "/root"})
    assert (settings.port, settings.quiet_seconds, settings.host) == (9000, 1.5, "127.0.0.1")


def test_a_value_may_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text(KEY + "\n")
    rest = {name: value for name, value in GOOD.items() if name != "SUBLET_SECRET_KEYS"}
    assert Settings.load(rest | {"SUBLET_SECRET_KEYS_FILE": str(tmp_path / "keys")}).secret_keys == KEY


def test_the_wings_too_may_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "wings").write_text("tests.toy.wing\n")
    settings = Settings.load(GOOD | {"SUBLET_WINGS_FILE": str(tmp_path / "wings"), "SUBLET_TOY_TOKEN": "canary"})
    assert settings.gateway()["toy_token"] == "canary"
    assert "canary" not in str(settings.shown())


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"SUBLET_PROT": "1"}, "did you mean SUBLET_PORT"),
        ({"SUBLET_PORT": "many"}, "SUBLET_PORT must be a number"),
        ({"SUBLET_SECRET_KEYS": "1:short"}, "SUBLET_SECRET_KEYS"),
        ({"SUBLET_SECRET_KEYS_FILE": "/nonexistent/keys"}, "SUBLET_SECRET_KEYS_FILE"),
        ({"SUBLET_LEASE_SECONDS": "5", "SUBLET_UPSTREAM_TIMEOUT_SECONDS": "30"}, "SUBLET_LEASE_SECONDS"),
        ({"SUBLET_REPAIR_POLICY": "explode"}, "SUBLET_REPAIR_POLICY"),
        ({"SUBLET_LOG_LEVEL": "loud"}, "SUBLET_LOG_LEVEL must be one of debug"),
        ({"SUBLET_PORT": "65536"}, "SUBLET_PORT must be at most 65535"),
        ({"SUBLET_POOL_SIZE": "0"}, "SUBLET_POOL_SIZE must be at least 1"),
        ({"SUBLET_SWEEP_SECONDS": "-1"}, "SUBLET_SWEEP_SECONDS must be at least 0"),
        ({"SUBLET_QUIET_SECONDS": "nan"}, "SUBLET_QUIET_SECONDS must be at least 0"),
        ({"SUBLET_LISTING_SECONDS": "inf"}, "SUBLET_LISTING_SECONDS must be"),
        ({"SUBLET_DATABASE_URL": "canary"}, "SUBLET_DATABASE_URL must look like postgresql+asyncpg://"),
        ({"SUBLET_SYSTEM_DATABASE_URL": "postgresql://a:canary@h/n"}, "SUBLET_SYSTEM_DATABASE_URL must look like"),
        ({"SUBLET_OWNER_DATABASE_URL": "postgresql+asyncpg://a:canary@h:x/n"}, "SUBLET_OWNER_DATABASE_URL must look"),
        ({"SUBLET_REDIS_URL": "canary"}, "SUBLET_REDIS_URL must begin with"),
        ({"SUBLET_PUBLIC_URL": "sublet.example"}, "SUBLET_PUBLIC_URL must begin with http://"),
        ({"SUBLET_SECRET_KEYS_FILE": __file__}, "SUBLET_SECRET_KEYS is set twice"),
        ({"SUBLET_EGRESS_ALLOW": "everything"}, "SUBLET_EGRESS_ALLOW"),
    ],
)
def test_a_bad_environment_is_told_by_name_and_without_its_secrets(change: dict[str, str], says: str) -> None:
    with pytest.raises(SettingsInvalid) as caught:
        Settings.load(GOOD | change)
    assert says in str(caught.value)
    assert "canary" not in str(caught.value)


def test_what_is_missing_is_named() -> None:
    with pytest.raises(SettingsInvalid, match="SUBLET_REDIS_URL"):
        Settings.load({name: value for name, value in GOOD.items() if name != "SUBLET_REDIS_URL"})


def test_secrets_are_hidden_where_settings_are_shown() -> None:
    settings = Settings.load(GOOD)
    text = repr(settings) + "".join(f"{name}={value}" for name, value in settings.shown().items())
    assert "canary" not in text
    assert KEY not in text
