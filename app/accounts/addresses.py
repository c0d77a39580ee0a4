"""One person, one address: what is left of an e-mail address when its aliases are taken away."""

from dataclasses import dataclass
from typing import Final

from email_validator import EmailNotValidError, validate_email

from app.kit.errors import FieldError, InvalidRequest


@dataclass(frozen=True)
class Provider:
    """How a mail provider reads the part before the `@`: what it ignores, and what begins a tag."""

    domain: str
    ignored: str = ""
    tag: str = "+"


# Addresses at the names of one line reach one mailbox. Source: the providers' help pages on aliases, read 2026-11.
GOOGLE: Final = Provider("gmail.com", ignored=".")
PROTON: Final = Provider("proton.me", ignored=".-_")
YANDEX: Final = Provider("yandex.ru", ignored=".-")
APPLE: Final = Provider("icloud.com")
YAHOO: Final = Provider("yahoo.com", tag="-+")
FASTMAIL: Final = Provider("fastmail.com")
PROVIDERS: Final[dict[str, Provider]] = {
    **dict.fromkeys(("gmail.com", "googlemail.com"), GOOGLE),
    **dict.fromkeys(("proton.me", "protonmail.com", "protonmail.ch", "pm.me"), PROTON),
    **dict.fromkeys(
        ("yandex.ru", "yandex.com", "yandex.by", "yandex.kz", "yandex.ua", "yandex.com.tr", "ya.ru", "narod.ru"), YANDEX
    ),
    **dict.fromkeys(("icloud.com", "me.com", "mac.com"), APPLE),
    **dict.fromkeys(("yahoo.com", "ymail.com", "rocketmail.com"), YAHOO),
    **dict.fromkeys(("fastmail.com", "fastmail.fm"), FASTMAIL),
}


@dataclass(frozen=True)
class Address:
    """An address to write to, and the key under which all its aliases are one."""

    email: str
    key: str


def parse(text: str, pointer: str = "#/email") -> Address:
    """A usable address; no name server is asked.

    Raises:
        InvalidRequest: it is not one.
    """
    try:
        valid = validate_email(text, check_deliverability=False, allow_smtputf8=False, strict=True)
    except EmailNotValidError:
        problem = "This is not an e-mail address that we can write to."
        raise InvalidRequest(problem, errors=(FieldError(pointer, "invalid_email", problem),)) from None
    email = valid.ascii_email or valid.normalized
    return Address(email, address_key(email))


def address_key(email: str) -> str:
    """The address without aliases, in lower case.

    A `+` begins a tag everywhere: a provider without tags hands out no name that holds one. A code is mailed to the
    address that the account was verified with, so an alias that is none opens nobody's account.
    """
    local, _, domain = email.lower().rpartition("@")
    provider = PROVIDERS.get(domain, Provider(domain))
    bare = _before_tag(local, provider.tag)
    for character in provider.ignored:
        bare = bare.replace(character, "")
    return f"{bare or local}@{provider.domain}"


def _before_tag(local: str, marks: str) -> str:
    cut = min((at for mark in marks if (at := local.find(mark)) > 0), default=len(local))
    return local[:cut]
