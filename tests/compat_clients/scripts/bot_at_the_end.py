"""A bot on whatsapp-chatbot-python whose trial ends while it runs, and whose paid time ends after that."""

import _thread
import logging
import threading

import talk
from whatsapp_chatbot_python import GreenAPIBot, Notification

WATCHED_SECONDS = 6.0
for name in ("whatsapp-api-client-python", "whatsapp-chatbot-python"):
    logging.getLogger(name).propagate = False
given = talk.given()
credentials = (given["id"], given["token"])
hosts = {"host": given["host"], "media": given["host"]}
bot = GreenAPIBot(*credentials, **hosts, delete_notifications_at_startup=False)
talk.cue("settled")
talk.cue("incoming", text="hello", waiting=1)


@bot.router.message(text_message="hello")
def greet(notification: Notification) -> None:
    """Answers, and is answered."""
    answer = notification.answer("Hello!")
    talk.say(step="answer", code=answer.code, error=answer.error)
    if answer.code == 200:
        talk.cue("trial_over")
        talk.cue("incoming_soon", text="hello")
    else:
        talk.cue("unpaid")
        threading.Timer(WATCHED_SECONDS, _thread.interrupt_main).start()


bot.run_forever()
talk.say(step="run_forever")
GreenAPIBot(*credentials, **hosts, delete_notifications_at_startup=False)
talk.say(step="GreenAPIBot")
