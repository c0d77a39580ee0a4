"""No address of the gateway's leaves in an answer, wherever it stands."""

from typing import Any

import msgspec
import pytest
from msgspec import Struct

from app.files.replacing import has_links, with_links
from app.providers import answers

SECRET = "https://gateway.example/file/secret"
OURS = "https://api.example/files/token"
KINDS = [
    kind
    for kind in vars(answers).values()
    if isinstance(kind, type) and issubclass(kind, Struct) and kind is not Struct
]
NO_ADDRESS_OF_THE_GATEWAYS = {"invite_url", "link_preview"}


def with_secrets(kind: type[Struct]) -> dict[str, Any]:
    """An answer in which every link is the gateway's, and everything else is of its type."""
    filled: dict[str, Any] = {}
    for field in msgspec.structs.fields(kind):
        if field.name.endswith("_link"):
            filled[field.name] = SECRET
        elif field.name == "products":
            filled[field.name] = [with_secrets(answers.Product)]
        elif field.required:
            filled[field.name] = {"kind": "image", "content": {}, "exists": True, "count": 1, "seconds": 0}.get(
                field.name, ["x"] if field.name.endswith("_ids") else "x"
            )
    return filled


def test_there_are_answers() -> None:
    assert len(KINDS) > 20


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_link_gives_way(kind: type[Struct]) -> None:
    answer = msgspec.convert(with_secrets(kind), kind)
    raw = msgspec.json.encode(with_links([answer], lambda address, _: OURS))
    assert SECRET.encode() not in raw
    assert has_links(answer) is (SECRET.encode() in msgspec.json.encode(answer))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_an_address_is_called_a_link(kind: type[Struct]) -> None:
    for name in kind.__struct_fields__:
        assert (
            name.endswith("_link")
            or name in NO_ADDRESS_OF_THE_GATEWAYS
            or not any(word in name for word in ("url", "link"))
        )


def test_what_is_no_address_is_nothing_and_names_are_handed_on() -> None:
    seen: list[tuple[str, str]] = []

    def seal(address: str, name: str) -> None:
        seen.append((address, name))

    message = answers.Message(
        message_id="A", chat_id="1@c.us", direction="incoming", kind="image", content={"file_name": "a.jpg"},
        file_link=SECRET,
    )  # fmt: skip
    assert with_links(message, seal).file_link is None
    assert seen == [(SECRET, "a.jpg")]
    assert with_links(None, seal) is None
    assert with_links(answers.Avatar(chat_id="1@c.us", picture_link=""), seal).picture_link is None
