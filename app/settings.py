"""The only reader of the environment: every setting with its unit, its default and its meaning."""

import difflib
import math
import os
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from pathlib import Path
from typing import Any, Final

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from app.kit.crypto import Keyring
from app.kit.egress import Network, parse_networks
from app.providers import wings

PREFIX: Final = "SUBLET_"
LEASE_MARGIN_SECONDS: Final = 4
FILE: Final = "_file"
GATEWAYS: Final = "gateways"
REPAIR_POLICIES: Final = ("delete", "adopt", "report")
LOG_LEVELS: Final = ("debug", "info", "warning", "error")
AT_LEAST_ONE: Final = ("processes", "pool_size", "worker_jobs", "fund_step_days")
MOST_PORT: Final = 65_535
DRIVER: Final = "postgresql+asyncpg"
REDIS: Final = ("redis://", "rediss://", "unix://")


class SettingsInvalid(ValueError):
    """The environment cannot be used; the text says which name and why, and never shows a secret's value."""


def setting(help_text: str, default: Any = MISSING, *, secret: bool = False) -> Any:
    """A field with its explanation; without a default it is required."""
    return field(default=default, metadata={"help": help_text, "secret": secret})


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All that differs between deployments: `SUBLET_NAME` sets `name`, `SUBLET_NAME_FILE` names a file with it."""

    database_url: str = setting("PostgreSQL as the role sublet_app: the API's, held by row policies", secret=True)
    system_database_url: str = setting("PostgreSQL as the role sublet_system: workers and doors", secret=True)
    owner_database_url: str = setting(
        "PostgreSQL as the owner of the tables; only `sublet migrate` reads it", "", secret=True
    )
    redis_url: str = setting("Redis or Valkey; it holds nothing that may not be lost", secret=True)
    secret_keys: str = setting("sealing keys, `1:BASE64URL[,2:…]`, 32 bytes each; the highest seals", secret=True)
    public_url: str = setting("where customers and gateways reach this API", "http://127.0.0.1:8000")
    docs_url: str = setting("base of the problem types' addresses; empty: the public URL", "")
    deployment: str = setting("short name in every upstream tag; staging and production must differ", "dev")
    host: str = setting("address to listen on", "127.0.0.1")
    port: int = setting("port to listen on", 8000)
    processes: int = setting("processes of the API that share its port; each has its own pool", 1)
    log_level: str = setting("debug, info, warning or error", "info")
    pool_size: int = setting("PostgreSQL connections per role and process", 10)
    smtp_url: str = setting("mail server, `smtp://[user:password@]host:port` or `smtps://…`", "", secret=True)
    mail_from: str = setting("sender of mails", "Sublet <no-reply@sublet.example>")
    egress_allow: str = setting("networks that webhooks may reach although not public, `10.0.0.0/8,…`", "")

    wings: str = setting("modules of further gateways, parted by commas; see docs/providers.md", "")
    gateways: Mapping[str, str] = field(default_factory=dict)
    """What the wings' own settings are set to, by name; see `gateway`."""
    upstream_timeout_seconds: float = setting("how long an upstream call may take", 30.0)
    quiet_seconds: float = setting("wait after a create of unknown outcome before looking for it", 120.0)
    repair_policy: str = setting("what to do with surplus and orphans: `delete`, `adopt` or `report`", "delete")
    surplus_wait_seconds: float = setting("least time between the two sightings before a surplus is deleted", 300.0)
    fund_step_days: int = setting(
        "days that a prepaid account is extended by at once; the rest of what is paid waits", 7
    )
    fund_margin_days: float = setting("how long before its end a prepaid account is extended", 2.0)
    balance_seconds: float = setting(
        "how often the balance of a prepaid pool is read, besides after each movement", 3600.0
    )
    pool_low_days: int = setting("say that a prepaid pool is low when it holds fewer days", 30)
    alert_mail: str = setting("whom to mail when a prepaid pool gets low; empty: nobody, it is in the log alone", "")
    listing_seconds: float = setting("how often the upstream listing is compared", 300.0)
    state_poll_seconds: float = setting("how often the state of a usable instance is read", 60.0)
    ready_poll_seconds: float = setting("how often an instance that is being made ready is read", 5.0)
    resolve_seconds: float = setting("first wait before a send of unknown outcome is looked for", 5.0)
    journal_seconds: float = setting("least time between the two journal readings that prove a send undone", 130.0)
    lease_seconds: float = setting("how long a worker may hold a piece of work; longer than an upstream call", 60.0)
    worker_jobs: int = setting("pieces of work that one worker does at once", 20)
    sweep_seconds: float = setting("how often each worker rings for work whose bell was lost", 2.0)

    @classmethod
    def load(cls, environ: Mapping[str, str] | None = None) -> "Settings":
        """Read and check the environment.

        Raises:
            SettingsInvalid: a name is unknown, missing, or its value cannot be used.
        """
        given = _given(os.environ if environ is None else environ)
        own = {item.name: item for item in fields(cls) if item.name != GATEWAYS}
        theirs = _settings_of(_modules(given))
        values: dict[str, Any] = {}
        for name, value in given.items():
            short, text = name, value
            if name.endswith(FILE) and name.removesuffix(FILE) in own | theirs:
                short, text = name.removesuffix(FILE), _read(PREFIX + name.upper(), value)
            if short not in own | theirs:
                raise SettingsInvalid(_unknown(PREFIX + name.upper(), [*own, *theirs]))
            if short in values:
                raise SettingsInvalid(f"{PREFIX}{short.upper()} is set twice: by itself and by a file")
            values[short] = text if short in theirs else _typed(own[short], text)
        missing = [
            PREFIX + name.upper() for name, item in own.items() if item.default is MISSING and name not in values
        ]
        if missing:
            raise SettingsInvalid(f"not set: {', '.join(missing)}")
        gateways = {name: values.pop(name) for name in theirs if name in values}
        settings = cls(**values, gateways=gateways)
        settings._check()
        return settings

    @staticmethod
    def modules() -> str:
        """What SUBLET_WINGS says, for what needs no other setting.

        Raises:
            SettingsInvalid: a module that is named is no wing.
        """
        modules = _modules(_given(os.environ))
        _settings_of(modules)
        return modules

    @staticmethod
    def names(modules: str = "") -> tuple[str, ...]:
        """Every name that may be set, `SUBLET_…`, with those of the wings and of the modules named."""
        own = [item.name for item in fields(Settings) if item.name != GATEWAYS]
        return tuple(PREFIX + name.upper() for name in (*own, *_settings_of(modules)))

    def gateway(self) -> dict[str, str]:
        """The wings' settings by name, with defaults in place of what is not set."""
        return {name: self.gateways.get(name, item.default) for name, item in _settings_of(self.wings).items()}

    def _check(self) -> None:
        if self.lease_seconds < self.upstream_timeout_seconds + LEASE_MARGIN_SECONDS:
            least = f"{PREFIX}UPSTREAM_TIMEOUT_SECONDS and {LEASE_MARGIN_SECONDS}"
            raise SettingsInvalid(f"{PREFIX}LEASE_SECONDS must be at least {least} together")
        for name, value in vars(self).items():
            lowest = 1 if name in AT_LEAST_ONE else 0
            if isinstance(value, int | float) and not lowest <= value < math.inf:
                raise SettingsInvalid(f"{PREFIX}{name.upper()} must be at least {lowest}")
        if self.port > MOST_PORT:
            raise SettingsInvalid(f"{PREFIX}PORT must be at most {MOST_PORT}")
        if self.repair_policy not in REPAIR_POLICIES:
            raise SettingsInvalid(f"{PREFIX}REPAIR_POLICY must be one of {', '.join(REPAIR_POLICIES)}")
        if self.log_level.lower() not in LOG_LEVELS:
            raise SettingsInvalid(f"{PREFIX}LOG_LEVEL must be one of {', '.join(LOG_LEVELS)}")
        for name in ("database_url", "system_database_url", "owner_database_url"):
            _check_database(PREFIX + name.upper(), getattr(self, name), may_lack=name == "owner_database_url")
        if not self.redis_url.startswith(REDIS):
            raise SettingsInvalid(f"{PREFIX}REDIS_URL must begin with one of {', '.join(REDIS)}")
        if not self.public_url.startswith(("http://", "https://")):
            raise SettingsInvalid(f"{PREFIX}PUBLIC_URL must begin with http:// or https://")
        self.keyring()
        try:
            self.networks()
        except ValueError as error:
            raise SettingsInvalid(f"{PREFIX}EGRESS_ALLOW: {error}") from None

    def keyring(self) -> Keyring:
        """The deployment's sealing keys.

        Raises:
            SettingsInvalid: they cannot be read.
        """
        try:
            return Keyring.parse(self.secret_keys)
        except ValueError:
            raise SettingsInvalid(f"{PREFIX}SECRET_KEYS must be `1:BASE64URL` of 32 bytes") from None

    def networks(self) -> tuple[Network, ...]:
        """The networks that webhooks may reach besides the public Internet."""
        return parse_networks(self.egress_allow)

    def shown(self) -> dict[str, str]:
        """Every setting as text, secrets replaced by `***`."""
        secrets = {item.name for item in fields(self) if item.metadata.get("secret")}
        secrets |= {name for name, item in _settings_of(self.wings).items() if item.is_secret}
        hidden = {PREFIX + name.upper() for name in secrets}
        return {name: "***" if name in hidden and value else value for name, value in self.as_environ().items()}

    def as_environ(self) -> dict[str, str]:
        """Every setting as an environment would set it, secrets in clear: for processes of our own."""
        own = {item.name: str(getattr(self, item.name)) for item in fields(self) if item.name != GATEWAYS}
        return {PREFIX + name.upper(): value for name, value in (own | self.gateway()).items()}

    def __repr__(self) -> str:
        return f"Settings(deployment={self.deployment!r})"


def _given(environ: Mapping[str, str]) -> dict[str, str]:
    ours = {name: value for name, value in environ.items() if name.startswith(PREFIX)}
    return {name.removeprefix(PREFIX).lower(): value for name, value in ours.items()}


def _settings_of(modules: str) -> dict[str, wings.Setting]:
    """The settings of every wing by name.

    Raises:
        SettingsInvalid: a module that is named is no wing.
    """
    try:
        found = wings.find(wings.named(modules))
    except wings.WingInvalid as error:
        raise SettingsInvalid(f"{PREFIX}WINGS: {error}") from None
    return {item.name: item for wing in found.values() for item in wing.settings}


def _typed(item: Field[Any], value: str) -> Any:
    kind = item.type if isinstance(item.type, type) else {"int": int, "float": float}.get(str(item.type), str)
    try:
        return kind(value)
    except ValueError:
        raise SettingsInvalid(f"{PREFIX}{item.name.upper()} must be a number") from None


def _modules(given: Mapping[str, str]) -> str:
    if "wings" not in given and "wings" + FILE in given:
        return _read(f"{PREFIX}WINGS{FILE.upper()}", given["wings" + FILE])
    return given.get("wings", "")


def _check_database(name: str, url: str, *, may_lack: bool) -> None:
    if may_lack and not url:
        return
    try:
        is_right = make_url(url).drivername == DRIVER
    except (ArgumentError, ValueError):
        is_right = False
    if not is_right:
        raise SettingsInvalid(f"{name} must look like {DRIVER}://ROLE:PASSWORD@HOST:5432/NAME")


def _read(name: str, path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SettingsInvalid(f"{name}: {error.strerror}") from None


def _unknown(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, [PREFIX + item.upper() for item in known], 1)
    return f"{name} is not a setting" + (f"; did you mean {near[0]}?" if near else "")
