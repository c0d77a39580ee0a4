"""Ids of chats and people go there and back."""

import pytest

from app.providers.whapi.ids import contact, ours, theirs

NUMBER = "79990003344"
GROUP = "120363041234567890@g.us"
OLD_GROUP = "79990001122-1600000000@g.us"


@pytest.mark.parametrize(
    ("chat_id", "told"),
    [
        (f"{NUMBER}@c.us", f"{NUMBER}@s.whatsapp.net"),
        ("0@c.us", "0@s.whatsapp.net"),
        (GROUP, GROUP),
        (OLD_GROUP, OLD_GROUP),
        ("5500112233@lid", "5500112233@lid"),
        ("status@broadcast", "status@broadcast"),
        ("120363144038483540@newsletter", "120363144038483540@newsletter"),
    ],
)
def test_a_chat_is_the_same_there_and_back(chat_id: str, told: str) -> None:
    assert theirs(chat_id) == told
    assert ours(told) == chat_id
    assert ours(ours(told)) == chat_id
    assert theirs(theirs(chat_id)) == told


@pytest.mark.parametrize(
    ("told", "chat_id"),
    [
        (NUMBER, f"{NUMBER}@c.us"),
        (f"+{NUMBER}", f"{NUMBER}@c.us"),
        (f"{NUMBER}:8@s.whatsapp.net", f"{NUMBER}@c.us"),
        (f"{NUMBER}@c.us", f"{NUMBER}@c.us"),
        ("5500112233:8@lid", "5500112233@lid"),
        ("", ""),
        ("\u0661\u0662\u0663@s.whatsapp.net", "\u0661\u0662\u0663@s.whatsapp.net"),
        ("no number", "no number"),
        ("@s.whatsapp.net", "@s.whatsapp.net"),
    ],
)
def test_however_a_person_is_told_it_is_one_chat(told: str, chat_id: str) -> None:
    assert ours(told) == chat_id


def test_paths_of_people_have_digits_and_hidden_numbers_their_end() -> None:
    assert contact(f"{NUMBER}@c.us") == contact(f"{NUMBER}@s.whatsapp.net") == contact(NUMBER) == NUMBER
    assert contact("5500112233@lid") == "5500112233@lid"
