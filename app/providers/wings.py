"""Finding the wings. Each folder of this package with a module `wing` is one, and so is each module that is named.

A module of a wing has a constant `WING`. Adding a gateway is adding its folder: settings, registry and contract
learn of it here. See docs/providers.md.
"""

import importlib
import importlib.util
import pkgutil
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import app.providers
from app.providers.port import Provider, Traits

ENVIRONMENTS: Final = ("live", "test")
NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,29}")
Values = Mapping[str, str]
"""The settings of all wings by name, with defaults in place of what is not set."""


class WingInvalid(ValueError):
    """A module is not a wing, or two of them cannot stand beside each other; the text says which."""


@dataclass(frozen=True)
class Setting:
    """One setting of a wing: `SUBLET_NAME` sets `name`, which begins with the wing's name."""

    name: str
    help: str
    default: str = ""
    is_secret: bool = False


def no_files(_: Values, __: str) -> str:
    """A gateway whose files lie at public https addresses only."""
    return ""


@dataclass(frozen=True)
class Wing:
    """A gateway's name, what it is like, its settings, and how it is opened for an environment, `live` or `test`.

    `open` is given the values, the environment and the seconds that a call may take; None when nothing is set for the
    environment. `files` tells the origin at which files may be read although it is no public https address.
    """

    name: str
    traits: Traits
    settings: tuple[Setting, ...]
    open: Callable[[Values, str, float], Provider | None]
    files: Callable[[Values, str], str] = no_files


def find(modules: Iterable[str] = ()) -> dict[str, Wing]:
    """The wings of this package and of the named modules, by name.

    Raises:
        WingInvalid: a module cannot be imported or is no wing; two wings bear one name.
    """
    found: dict[str, Wing] = {}
    for name in (*_own(), *modules):
        wing = _import(name)
        if wing.name in found:
            raise WingInvalid(f"{name}: there is a wing {wing.name} already")
        found[wing.name] = wing
    return found


def named(text: str) -> tuple[str, ...]:
    """The modules that a setting names, parted by commas."""
    return tuple(each.strip() for each in text.split(",") if each.strip())


def open_all(found: Mapping[str, Wing], values: Values, timeout_seconds: float) -> dict[tuple[str, str], Provider]:
    """Every gateway that is set up, by (name, environment)."""
    opened: dict[tuple[str, str], Provider] = {}
    for wing in found.values():
        for environment in ENVIRONMENTS:
            provider = wing.open(values, environment, timeout_seconds)
            if provider is not None:
                opened[wing.name, environment] = provider
    return opened


def file_bases(found: Mapping[str, Wing], values: Values) -> dict[tuple[str, str], str]:
    """Where files of gateways may be read although it is no public address, by (name, environment)."""
    places = {(wing.name, where): wing.files(values, where) for wing in found.values() for where in ENVIRONMENTS}
    return {place: url for place, url in places.items() if url}


def _own() -> list[str]:
    folders = [each.name for each in pkgutil.iter_modules(app.providers.__path__) if each.ispkg]
    names = [f"{app.providers.__name__}.{folder}.wing" for folder in folders]
    return [name for name in names if importlib.util.find_spec(name) is not None]


def _import(module: str) -> Wing:
    try:
        wing = importlib.import_module(module).WING
    except (ImportError, AttributeError) as error:
        raise WingInvalid(f"{module}: {error}") from None
    if not isinstance(wing, Wing) or not NAME.fullmatch(wing.name) or wing.name == "auto":
        raise WingInvalid(f"{module}: WING is none")
    strange = [each.name for each in wing.settings if not each.name.startswith(f"{wing.name}_")]
    if strange:
        raise WingInvalid(f"{module}: the setting {strange[0]} does not begin with {wing.name}_")
    return wing
