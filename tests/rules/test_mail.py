"""Mail without a server says so, and names nobody."""

import pytest

from app.kit.mail import Mailer, MailFailed


@pytest.mark.parametrize("url", ["", "smtp://127.0.0.1:1"])
async def test_mail_that_cannot_be_sent_fails_without_naming_the_receiver(url: str) -> None:
    with pytest.raises(MailFailed) as caught:
        await Mailer(url, "Sublet <no-reply@sublet.example>").send("canary@example.com", "Code", "123456")
    assert "canary" not in repr(caught.value)
    assert caught.value.__cause__ is None
