"""Mail over SMTP."""

from email.message import EmailMessage
from typing import Final
from urllib.parse import unquote, urlsplit

import aiosmtplib

TIMEOUT_SECONDS: Final = 20.0


class MailFailed(RuntimeError):
    """The mail server did not take the message."""


class Mailer:
    """Sends plain-text mail through `smtp://[user:password@]host:port` or `smtps://…`."""

    def __init__(self, smtp_url: str, sender: str) -> None:
        self._url = urlsplit(smtp_url)
        self._sender = sender

    async def send(self, to: str, subject: str, text: str) -> None:
        """Hand one message to the mail server.

        Raises:
            MailFailed: it was refused or the server is away; the text names no address.
        """
        if not self._url.hostname:
            raise MailFailed("no mail server is set: SUBLET_SMTP_URL")
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self._sender, to, subject
        message.set_content(text)
        url = self._url
        try:
            await aiosmtplib.send(
                message,
                hostname=url.hostname,
                port=url.port or (465 if url.scheme == "smtps" else 25),
                username=unquote(url.username) if url.username else None,
                password=unquote(url.password) if url.password else None,
                use_tls=url.scheme == "smtps",
                timeout=TIMEOUT_SECONDS,
            )
        except (aiosmtplib.SMTPException, OSError) as error:
            raise MailFailed(type(error).__name__) from None
