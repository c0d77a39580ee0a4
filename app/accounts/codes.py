"""Codes by e-mail: asked for by anyone, mailed by a worker, good for one use."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from app.accounts import letters, store
from app.accounts.addresses import Address
from app.accounts.letters import Letter, Occasion
from app.accounts.models import EmailCode, User
from app.accounts.tokens import new_code
from app.jobs import SendEmailCode
from app.kit import work
from app.kit.crypto import Keyring, same
from app.kit.db import SYSTEM, Database, UnitOfWork
from app.kit.errors import Unauthenticated
from app.kit.ids import new_id
from app.kit.mail import Mailer
from app.kit.work import Claim

LIFE: Final = timedelta(minutes=10)
MAX_TRIES: Final = 5
MAX_CODES_AN_HOUR: Final = 5
MAX_WRONG_A_DAY: Final = 20


class InvalidCode(Unauthenticated):
    """The code is wrong, expired or used; ask for a new one."""

    code = "invalid_code"


@dataclass(frozen=True)
class Post:
    """A letter and where it goes."""

    to: str
    letter: Letter


async def request(uow: UnitOfWork, address: Address, *, organization_name: str | None, locale: str) -> None:
    """Have a code mailed; with an organization's name it finishes a sign-up.

    Whether the address has an account is not asked here, so neither the answer nor its time can tell; the worker that
    writes the letter asks. Past the limit of an hour, or of wrong tries in a day since the last right one, nothing is
    sent and nothing is said: else patience alone would guess six digits.
    """
    await store.hold_address(uow, address.key)
    if await store.count_wrong_since(uow, address.key, uow.now - timedelta(days=1)) >= MAX_WRONG_A_DAY:
        return
    if await store.count_codes_since(uow, address.key, uow.now - timedelta(hours=1)) >= MAX_CODES_AN_HOUR:
        return
    code_id, digits = new_id(), new_code()
    uow.session.add(
        EmailCode(
            id=code_id,
            email=address.email,
            address_key=address.key,
            organization_name=organization_name,
            locale=locale,
            code_hash=_hash(uow.keyring, code_id, digits),
            code_sealed=uow.keyring.seal_system(digits, _place(code_id)),
            created_at=uow.now,
            expires_at=uow.now + LIFE,
        )
    )
    await uow.session.flush()
    uow.defer(SendEmailCode(code_id))


async def redeem(uow: UnitOfWork, address: Address, digits: str) -> EmailCode | None:
    """The code that the digits are, used up now together with every other of the address; None if they are none.

    The try is counted either way: a caller that gets None must let the transaction commit.
    """
    await store.hold_address(uow, address.key)
    found = None
    for code in await store.try_codes(uow, address.key, MAX_TRIES):
        if same(code.code_hash, _hash(uow.keyring, code.id, digits)):
            found = code
    if found is not None:
        await store.use_codes(uow, address.key)
    return found


async def send(database: Database, mailer: Mailer, claim: Claim) -> None:
    """Mail one code and forget its digits. One that has expired or was used is not sent.

    Raises:
        MailFailed: the mail server did not take it; the work is tried again until the code expires.
    """
    async with database.begin(SYSTEM) as uow:
        post = await _write(uow, claim.ref)
    if post is not None:
        await mailer.send(post.to, post.letter.subject, post.letter.text)
    async with database.begin(SYSTEM) as uow:
        await work.settle(uow, claim)
        await store.erase_sealed(uow, claim.ref)


async def _write(uow: UnitOfWork, code_id: UUID) -> Post | None:
    """An account's mail goes to its own verified address: an alias of it may be another person's."""
    code = await uow.session.get(EmailCode, code_id)
    if code is None or code.code_sealed is None or code.used_at is not None or code.expires_at <= uow.now:
        return None
    user = await store.user_by_address(uow, code.address_key)
    digits = uow.keyring.unseal_system(code.code_sealed, _place(code_id))
    letter = letters.write(_occasion(code, user), code.locale, digits=digits, minutes=int(LIFE.total_seconds() // 60))
    return Post(code.email if user is None else user.email, letter)


def _occasion(code: EmailCode, user: User | None) -> Occasion:
    if code.organization_name is None:
        return Occasion.UNKNOWN if user is None else Occasion.SIGN_IN
    return Occasion.SIGN_UP if user is None else Occasion.KNOWN


def _hash(keyring: Keyring, code_id: UUID, digits: str) -> bytes:
    return keyring.fingerprint(f"email_codes.code|{code_id}|{digits}")


def _place(code_id: UUID) -> str:
    return f"email_codes.code|{code_id}"
