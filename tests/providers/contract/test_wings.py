"""What every wing says of itself, a third one too, and that nothing outside its folder knows of it."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.gateway.catalogue import METHODS
from app.providers import wings
from app.providers.errors import ProviderError
from app.providers.events import Notification
from app.providers.likeness import describe
from app.providers.port import NativeReply, Provider, Sent
from tests.providers.contract.conftest import STAGES
from tests.providers.contract.test_sends import CONTENTS

APP = Path(wings.__file__).parent.parent
FOLDERS = {path.parent.name: path.parent for path in (APP / "providers").glob("*/wing.py")}
ALL = wings.find(["tests.toy.wing"])
each_wing = pytest.mark.parametrize("name", sorted(ALL))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
CALLS = ("sendMessage", "getSettings", "/messages/text", "/settings", "")


def opened(name: str) -> Provider:
    """A wing with all of its settings set, at an address where nobody is."""
    values = {each.name: "http://127.0.0.1:1" if each.name.endswith("_url") else "x" for each in ALL[name].settings}
    made = ALL[name].open(values, "live", 1.0)
    assert made is not None
    return made


def test_every_wing_has_its_folder_and_its_stage() -> None:
    assert set(wings.find()) == set(FOLDERS) == set(STAGES)


@each_wing
async def test_a_wing_is_what_it_says(name: str) -> None:
    wing, provider = ALL[name], opened(name)
    assert (provider.name, provider.traits) == (wing.name, wing.traits) == (name, provider.traits)
    assert wing.traits.unsupported <= {method.name for method in METHODS.values()}
    assert not wing.traits.reclaims or wing.traits.is_prepaid
    assert bool(wing.traits.creations) is bool(wing.traits.creation_seconds)
    assert provider.hosts()
    assert provider.traits.marks == tuple(mark.lower() for mark in provider.traits.marks if mark)
    await provider.close()


@each_wing
def test_a_wing_of_which_nothing_is_set_is_none(name: str) -> None:
    values = {each.name: each.default for each in ALL[name].settings}
    assert [ALL[name].open(values, where, 1.0) for where in wings.ENVIRONMENTS] == [None, None]


def test_addresses_of_notifications_are_told_apart() -> None:
    assert len({wing.traits.hook for wing in ALL.values()}) == len(ALL)
    assert all(wings.NAME.fullmatch(wing.traits.hook) for wing in ALL.values())


@each_wing
async def test_messages_of_ours_are_alike_to_themselves_only(name: str) -> None:
    provider = opened(name)
    alike = [provider.likeness(*describe(content)) for content in CONTENTS]
    assert len(set(alike)) == len(CONTENTS)
    assert alike == [provider.likeness(*describe(content)) for content in CONTENTS]
    await provider.close()


@each_wing
@settings(max_examples=60)
@given(body=st.dictionaries(st.text(), JSON, max_size=4), call=st.sampled_from(CALLS), raw=st.binary(max_size=40))
def test_nothing_that_is_told_is_an_exception(name: str, body: dict[str, Any], call: str, raw: bytes) -> None:
    provider = opened(name)
    for part in provider.apart(body):
        read = provider.read_notice(part)
        assert isinstance(read, Notification)
        assert read.dedupe == provider.read_notice(part).dedupe
    for status in (200, 400, 429, 502):
        reply = NativeReply(status, raw, "application/json")
        assert status == 200 or isinstance(provider.conclude(call, reply), ProviderError)
        assert isinstance(provider.sent_by(call, reply), Sent | ProviderError)
    provider.drafted(call, raw)
    provider.likeness(call, body)


def _nodes() -> Iterator[tuple[Path, ast.AST, ast.AST]]:
    """Every node of `app` and `workers` outside the wings, with what it stands in."""
    files = [*APP.rglob("*.py"), *(APP.parent / "workers").rglob("*.py")]
    for path in files:
        if not any(folder in path.parents for folder in FOLDERS.values()):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                for child in ast.iter_child_nodes(node):
                    yield path, child, node


def _names_words(holder: ast.AST) -> bool:
    """Whether a wing's name stands here for the language of native calls, which two faces speak, or as an example."""
    if isinstance(holder, ast.Compare):
        return isinstance(holder.left, ast.Attribute) and holder.left.attr == "words"
    if isinstance(holder, ast.AnnAssign):
        return isinstance(holder.target, ast.Name) and holder.target.id in ("WORDS", "NATIVE")
    return isinstance(holder, ast.List)


def test_nothing_outside_its_folder_knows_a_wing() -> None:
    """Adding a gateway is adding its folder: no import of one, no setting of one, no decision by a name."""
    knows = []
    for path, node, holder in _nodes():
        if isinstance(node, ast.ImportFrom | ast.Import):
            modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else [each.name for each in node.names]
            if any(module.startswith(f"app.providers.{name}") for module in modules for name in FOLDERS):
                knows.append((path.name, modules))
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            is_setting = any(node.value.lower().removeprefix("sublet_").startswith(f"{name}_") for name in FOLDERS)
            if is_setting or (node.value in FOLDERS and not _names_words(holder)):
                knows.append((path.name, [node.value]))
    assert knows == []
