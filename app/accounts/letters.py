"""The texts of the mails about signing in. None holds anything that the person who asked could choose."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

DEFAULT_LANGUAGE: Final = "en"


class Occasion(StrEnum):
    """Why a code was asked for, as the address turned out."""

    SIGN_UP = "sign_up"
    SIGN_IN = "sign_in"
    KNOWN = "known"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Letter:
    """One mail."""

    subject: str
    text: str


@dataclass(frozen=True)
class Words:
    """One language's sentences; `code` holds the digits and the minutes that they live."""

    subject: str
    subject_unknown: str
    code: str
    sign_up: str
    sign_in: str
    known: str
    unknown: str
    ignore: str


WORDS: Final[dict[str, Words]] = {
    "en": Words(
        subject="{digits} is your Sublet code",
        subject_unknown="Sign-in to Sublet",
        code="Your code: {digits}\n\nIt works once, within {minutes} minutes. We will never ask you for it.",
        sign_up="Enter this code to confirm your address and open your account.",
        sign_in="Enter this code to sign in.",
        known="You already have an account with us. Enter this code to sign in to it.",
        unknown="There is no account for this address. If you meant to open one, please sign up.",
        ignore="If you did not ask for this, ignore this mail: nothing happens without the code.",
    ),
    "ru": Words(
        subject="{digits} — ваш код Sublet",
        subject_unknown="Вход в Sublet",
        code="Ваш код: {digits}\n\nОн действует один раз, {minutes} минут. Мы никогда не попросим его назвать.",
        sign_up="Введите этот код, чтобы подтвердить адрес и открыть учётную запись.",
        sign_in="Введите этот код, чтобы войти.",
        known="У вас уже есть учётная запись. Введите этот код, чтобы войти в неё.",
        unknown="Для этого адреса нет учётной записи. Если вы хотели её открыть, пожалуйста, зарегистрируйтесь.",
        ignore="Если вы этого не запрашивали, не обращайте на письмо внимания: без кода ничего не произойдёт.",
    ),
    "es": Words(
        subject="{digits} es su código de Sublet",
        subject_unknown="Acceso a Sublet",
        code="Su código: {digits}\n\nSirve una sola vez, durante {minutes} minutos. Nunca se lo pediremos.",
        sign_up="Introduzca este código para confirmar su dirección y abrir su cuenta.",
        sign_in="Introduzca este código para acceder.",
        known="Ya tiene una cuenta con nosotros. Introduzca este código para acceder a ella.",
        unknown="No hay ninguna cuenta con esta dirección. Si quería abrir una, regístrese, por favor.",
        ignore="Si no lo ha solicitado, ignore este mensaje: sin el código no ocurre nada.",
    ),
    "pt": Words(
        subject="{digits} é o seu código Sublet",
        subject_unknown="Acesso ao Sublet",
        code="O seu código: {digits}\n\nServe uma única vez, durante {minutes} minutos. Nunca o pediremos.",
        sign_up="Introduza este código para confirmar o seu endereço e abrir a sua conta.",
        sign_in="Introduza este código para entrar.",
        known="Já tem uma conta connosco. Introduza este código para entrar.",
        unknown="Não há nenhuma conta com este endereço. Se queria abrir uma, registe-se, por favor.",
        ignore="Se não fez este pedido, ignore esta mensagem: sem o código nada acontece.",
    ),
}


def write(occasion: Occasion, locale: str, *, digits: str, minutes: int) -> Letter:
    """The mail for an occasion, in the locale's language if we speak it, else in English."""
    words = WORDS.get(language(locale), WORDS[DEFAULT_LANGUAGE])
    if occasion is Occasion.UNKNOWN:
        return Letter(words.subject_unknown, f"{words.unknown}\n\n{words.ignore}\n")
    reason = {Occasion.SIGN_UP: words.sign_up, Occasion.SIGN_IN: words.sign_in, Occasion.KNOWN: words.known}[occasion]
    code = words.code.format(digits=digits, minutes=minutes)
    return Letter(words.subject.format(digits=digits), f"{reason}\n\n{code}\n\n{words.ignore}\n")


def language(locale: str) -> str:
    """The language of a locale: `pt` of `pt-BR`."""
    return locale.replace("_", "-").partition("-")[0].lower()
