"""The mail that carries a code: sent once, in the reader's language, and never after its time."""

import asyncio
import socket
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.accounts import addresses, codes
from app.accounts.models import EmailCode
from app.kit import work
from app.kit.db import SYSTEM
from app.kit.mail import Mailer, MailFailed
from app.kit.work import Work
from app.runtime import Runtime
from dev.mailbox import Mailbox
from workers.accounts import send_email_code
from workers.main import HANDLERS
from workers.task import do_work


async def asked(
    runtime: Runtime, email: str = "ada@example.com", locale: str = "en", name: str | None = "Acme"
) -> Work:
    """Ask for a code; the work that mails it."""
    async with runtime.database.begin(SYSTEM) as uow:
        await codes.request(uow, addresses.parse("ada@example.com"), organization_name="Acme", locale=locale)
    async with runtime.database.begin(SYSTEM) as uow:
        return (await uow.session.scalars(select(Work).where(Work.kind == "email_code.send"))).one()


async def row(runtime: Runtime) -> EmailCode:
    """The one code."""
    async with runtime.database.begin(SYSTEM) as uow:
        return (await uow.session.scalars(select(EmailCode))).one()


async def waiting(runtime: Runtime) -> list[Work]:
    """Work that is left."""
    async with runtime.database.begin(SYSTEM) as uow:
        return list((await uow.session.scalars(select(Work))).all())


def away(runtime: Runtime) -> Runtime:
    """The same house, whose mail server is away."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"smtp://127.0.0.1:{nobody.getsockname()[1]}"
    return replace(runtime, mailer=Mailer(url, "a@example.com"))


@pytest.mark.parametrize(
    ("locale", "words"),
    [("en", "Your code"), ("ru-RU", "Ваш код"), ("es_MX", "Su código"), ("pt-BR", "O seu código"), ("zz", "Your code")],
)
async def test_the_mail_speaks_the_readers_language(
    runtime: Runtime, mailbox: Mailbox, locale: str, words: str
) -> None:
    mailbox.letters.clear()
    assert await do_work(runtime, HANDLERS, (await asked(runtime, locale=locale)).id)
    (letter,) = mailbox.to("ada@example.com")
    assert words in letter.text
    assert "Acme" not in letter.subject + letter.text


async def test_the_digits_are_forgotten_once_they_are_sent(runtime: Runtime, mailbox: Mailbox) -> None:
    mailbox.letters.clear()
    job = await asked(runtime)
    assert (await row(runtime)).code_sealed is not None
    await do_work(runtime, HANDLERS, job.id)
    sent = await row(runtime)
    assert sent.code_sealed is None
    assert await waiting(runtime) == []
    assert not await do_work(runtime, HANDLERS, job.id)
    assert len(mailbox.letters) == 1


async def test_a_mail_server_that_is_away_is_asked_again_and_then_the_mail_goes_out_once(
    runtime: Runtime, mailbox: Mailbox
) -> None:
    mailbox.letters.clear()
    job = await asked(runtime)
    for attempt in (1, 2):
        assert await do_work(away(runtime), HANDLERS, job.id)
        (left,) = await waiting(runtime)
        assert (left.attempt, left.dead_at) == (attempt, None)
        assert (left.last_error or "").startswith("MailFailed")
        assert "ada" not in (left.last_error or "")
        runtime.database.shift += timedelta(seconds=10)
    assert await do_work(runtime, HANDLERS, job.id)
    assert len(mailbox.letters) == 1
    assert await waiting(runtime) == []


async def test_a_code_that_has_expired_is_not_sent(runtime: Runtime, mailbox: Mailbox) -> None:
    mailbox.letters.clear()
    job = await asked(runtime)
    await do_work(away(runtime), HANDLERS, job.id)
    runtime.database.shift = timedelta(minutes=10)
    assert await do_work(runtime, HANDLERS, job.id)
    assert len(mailbox.letters) == 0
    assert (await row(runtime)).code_sealed is None
    assert await waiting(runtime) == []


async def test_no_transaction_is_open_while_the_mail_server_is_asked(runtime: Runtime) -> None:
    job = await asked(runtime)
    released = asyncio.Event()
    seen: list[int] = []

    class Slow(Mailer):
        async def send(self, to: str, subject: str, text: str) -> None:
            seen.append(runtime.database.system_engine.pool.checkedout())  # type: ignore[attr-defined]
            released.set()

    slow = replace(runtime, mailer=Slow("smtp://127.0.0.1", "a@example.com"))
    await do_work(slow, HANDLERS, job.id)
    assert released.is_set()
    assert seen == [0]


async def test_a_worker_that_lost_its_lease_records_nothing(runtime: Runtime, mailbox: Mailbox) -> None:
    job = await asked(runtime)
    async with runtime.database.begin(SYSTEM) as uow:
        mine = await work.claim(uow, job.id, 1)
    assert mine is not None
    runtime.database.shift = timedelta(seconds=5)
    async with runtime.database.begin(SYSTEM) as uow:
        theirs = await work.claim(uow, job.id, 60)
    assert theirs is not None
    with pytest.raises(work.LeaseLost):
        await send_email_code(runtime, mine)
    assert (await row(runtime)).code_sealed is not None
    await send_email_code(runtime, theirs)
    assert (await row(runtime)).code_sealed is None


async def test_a_failed_mail_names_no_address(runtime: Runtime) -> None:
    with pytest.raises(MailFailed) as failed:
        await away(runtime).mailer.send("ada@example.com", "s", "t")
    assert "ada" not in str(failed.value)


async def test_work_for_a_code_that_is_gone_ends(runtime: Runtime) -> None:
    job = await asked(runtime)
    async with runtime.database.begin(SYSTEM) as uow:
        await uow.session.delete((await uow.session.scalars(select(EmailCode))).one())
    assert await do_work(runtime, HANDLERS, job.id)
    assert await waiting(runtime) == []


async def test_the_digits_are_stored_under_a_keyed_hash_of_their_row(runtime: Runtime) -> None:
    await asked(runtime)
    stored = await row(runtime)
    assert stored.code_sealed is not None
    digits = runtime.keyring.unseal_system(stored.code_sealed, f"email_codes.code|{stored.id}")
    assert digits.isdigit()
    assert runtime.keyring.fingerprint(digits) != stored.code_hash
    assert digits.encode() not in stored.code_hash + stored.code_sealed
