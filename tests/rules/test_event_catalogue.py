"""The list of event types is what the house says, no more and no less."""

import ast
import re
from pathlib import Path

import pytest

import app
from app.events.catalogue import CATALOGUE, NAMES, known, matches
from app.jobs import JOBS

SHAPE = re.compile(
    r"(instance|message|reaction|poll|call|trial|subscription|quota|operation|api_key|organization|webhook_endpoint"
    r"|gateway)\.[a-z_]+"
)
NO_EVENTS = {job.kind for job in JOBS} | {
    "instance.provision", "instance.delete", "instance.logout", "instance.reboot", "instance.suspend",
    "instance.resume", "instance.move",
}  # fmt: skip


def test_each_type_is_published_somewhere_and_each_published_one_is_listed() -> None:
    said = {name for name in _literals() if SHAPE.fullmatch(name)} - NO_EVENTS
    said |= {"operation.succeeded", "operation.failed"}
    assert said == NAMES


def test_each_type_has_a_sentence_and_an_example() -> None:
    assert len(NAMES) == len(CATALOGUE)
    for item in CATALOGUE:
        assert SHAPE.fullmatch(item.name)
        assert item.description.endswith(".")
        assert item.example


@pytest.mark.parametrize("pattern", ["message.received", "message.*", "gateway.*", "webhook_endpoint.test"])
def test_a_type_or_its_group_can_be_subscribed_to(pattern: str) -> None:
    assert known(pattern)


@pytest.mark.parametrize("pattern", ["message.unheard_of", "*", "*.*", "mess.*", ".*", "message.", "message.re*", ""])
def test_anything_else_cannot(pattern: str) -> None:
    assert not known(pattern)


def test_a_group_takes_its_own_types_only() -> None:
    assert matches("message.*", "message.received")
    assert not matches("message.*", "messages.received")
    assert not matches("message.received", "message.received_twice")


def _literals() -> set[str]:
    folder = Path(app.__file__).parent
    found: set[str] = set()
    for file in folder.rglob("*.py"):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        if file.name == "catalogue.py":
            tree = ast.Module([node for node in tree.body if not _is_list(node)], [])
        found |= {
            node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
    return found


def _is_list(node: ast.stmt) -> bool:
    return isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == "CATALOGUE"
