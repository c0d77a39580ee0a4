"""Letters sent over SMTP can be read over HTTP."""

import json
import subprocess
import sys
from email.message import EmailMessage
from pathlib import Path

import aiohttp
import aiosmtplib

from dev.mailbox import Mailbox

ROOT = Path(__file__).resolve().parents[2]


def _letter(to: str, subject: str, text: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "Sublet <no-reply@sublet.example>", to, subject
    message.set_content(text)
    message.add_alternative(f"<p>{text}</p>", subtype="html")
    return message


async def _send(smtp_url: str, *messages: EmailMessage) -> None:
    port = int(smtp_url.rpartition(":")[2])
    async with aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False) as client:
        for message in messages:
            await client.send_message(message)


async def test_a_letter_is_shown_to_whom_asks_for_its_reader_newest_first() -> None:
    async with Mailbox.running() as mailbox, aiohttp.ClientSession(mailbox.http_url) as http:
        await _send(
            mailbox.smtp_url,
            _letter("ann@example.com", "Your code", "123456 is your code, señora"),
            _letter("bob@example.com", "Other", "not hers"),
            _letter("ann@example.com", "Second", "later"),
        )
        async with http.get("/messages", params={"to": "Ann@Example.com"}) as answer:
            letters = (await answer.json())["messages"]
        assert [letter["subject"] for letter in letters] == ["Second", "Your code"]
        assert letters[1]["text"].strip() == "123456 is your code, señora"
        assert letters[1]["from"] == "no-reply@sublet.example"
        assert letters[1]["to"] == ["ann@example.com"]
        assert set(letters[1]) == {"id", "from", "to", "subject", "text", "received_at"}
        async with http.delete("/messages") as answer:
            assert answer.status == 204
        async with http.get("/messages") as answer:
            assert await answer.json() == {"messages": []}


async def test_the_mailbox_forgets_the_oldest_and_not_more() -> None:
    async with Mailbox.running(keep=3) as mailbox:
        await _send(mailbox.smtp_url, *(_letter("a@example.com", str(n), "x") for n in range(5)))
        assert [letter.subject for letter in mailbox.letters] == ["2", "3", "4"]


async def test_a_page_with_a_name_of_its_own_is_refused() -> None:
    async with Mailbox.running() as mailbox, aiohttp.ClientSession(mailbox.http_url) as http:
        async with http.get("/messages", headers={"Host": "rebound.example"}) as answer:
            assert answer.status == 403
        async with http.get("/health") as answer:
            assert answer.status == 200


async def test_as_a_process_it_says_where_it_is_and_ends_when_asked() -> None:
    command = [sys.executable, "-m", "dev.mailbox"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)  # noqa: ASYNC220 (it is instant)
    try:
        assert process.stdout is not None
        places = json.loads(process.stdout.readline())
        await _send(places["smtp"], _letter("ann@example.com", "Hello", "there"))
        async with aiohttp.ClientSession(places["http"]) as http, http.get("/messages") as answer:
            assert [letter["subject"] for letter in (await answer.json())["messages"]] == ["Hello"]
        process.terminate()
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.communicate()
