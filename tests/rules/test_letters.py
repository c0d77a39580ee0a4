"""The mails about signing in."""

import re

import pytest

from app.accounts.letters import WORDS, Occasion, language, write


@pytest.mark.parametrize("locale", sorted(WORDS))
@pytest.mark.parametrize("occasion", [Occasion.SIGN_UP, Occasion.SIGN_IN, Occasion.KNOWN])
def test_a_letter_holds_the_code_once_and_how_long_it_lives(locale: str, occasion: Occasion) -> None:
    letter = write(occasion, locale, digits="042137", minutes=10)
    assert re.findall(r"\d+", letter.text) == ["042137", "10"]
    assert letter.subject.startswith("042137")
    assert "{" not in letter.subject + letter.text


@pytest.mark.parametrize("locale", sorted(WORDS))
def test_an_address_without_account_gets_no_code(locale: str) -> None:
    letter = write(Occasion.UNKNOWN, locale, digits="042137", minutes=10)
    assert not re.search(r"\d", letter.subject + letter.text)


def test_each_occasion_reads_differently_in_each_language() -> None:
    texts = {write(occasion, locale, digits="1", minutes=1).text for occasion in Occasion for locale in WORDS}
    assert len(texts) == len(Occasion) * len(WORDS)


def test_a_language_we_do_not_speak_is_english() -> None:
    assert write(Occasion.SIGN_IN, "xx-YY", digits="1", minutes=1) == write(
        Occasion.SIGN_IN, "en", digits="1", minutes=1
    )


@pytest.mark.parametrize(("locale", "spoken"), [("en", "en"), ("pt-BR", "pt"), ("ES_mx", "es"), ("zh-Hant-TW", "zh")])
def test_the_language_of_a_locale(locale: str, spoken: str) -> None:
    assert language(locale) == spoken
