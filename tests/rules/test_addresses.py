"""One person, one address."""

import pytest

from app.accounts.addresses import address_key, parse
from app.kit.errors import InvalidRequest


@pytest.mark.parametrize(
    ("email", "key"),
    [
        ("Ada@Example.com", "ada@example.com"),
        ("ada+tag@example.com", "ada@example.com"),
        ("ada+tag+more@example.com", "ada@example.com"),
        ("a.d.a@example.com", "a.d.a@example.com"),
        ("ada-tag@example.com", "ada-tag@example.com"),
        ("a.d.a@gmail.com", "ada@gmail.com"),
        ("A.D.A+x@googlemail.com", "ada@gmail.com"),
        ("ada-x@gmail.com", "ada-x@gmail.com"),
        ("a.d-a_@pm.me", "ada@proton.me"),
        ("a-d.a@ya.ru", "ada@yandex.ru"),
        ("ada@me.com", "ada@icloud.com"),
        ("ada-shop@yahoo.com", "ada@yahoo.com"),
        ("ada+shop@outlook.com", "ada@outlook.com"),
        ("a.da@outlook.com", "a.da@outlook.com"),
        ("+tag@example.com", "+tag@example.com"),
        ("...@gmail.com", "...@gmail.com"),
    ],
)
def test_aliases_are_taken_away(email: str, key: str) -> None:
    assert address_key(email) == key


@pytest.mark.parametrize("email", ["ada+x@gmail.com", "a.da@ya.ru", "ada-x@yahoo.com", "Ada@Example.COM"])
def test_a_key_is_its_own_key(email: str) -> None:
    assert address_key(address_key(email)) == address_key(email)


def test_different_people_stay_different() -> None:
    people = ["ada@gmail.com", "ada@example.com", "ada@yandex.ru", "ada@proton.me", "bob@gmail.com", "ad.a@example.com"]
    assert len({address_key(person) for person in people}) == len(people)


def test_the_address_to_write_to_keeps_its_tag() -> None:
    assert parse("Ada+News@Example.com").email == "Ada+News@example.com"


def test_a_name_in_another_script_is_written_in_ascii() -> None:
    assert parse("ada@bücher.example.com").email == "ada@xn--bcher-kva.example.com"


@pytest.mark.parametrize(
    "text",
    [
        "ada", "ada@", "@example.com", "ada@localhost", "ada@b", "ada@exa mple.com", "ada@example..com",
        "ada@[127.0.0.1]", "ada@example.test", "ü@example.com", "a" * 65 + "@example.com", "ada@example.com\n",
        "ada@example.com, bob@example.com", "ada\r\nBcc: x@example.com", '"a b"@example.com', "Ada <ada@example.com>",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        parse(text)
    assert refused.value.errors[0].pointer == "#/email"
