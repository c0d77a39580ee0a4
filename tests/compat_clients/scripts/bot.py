"""A customer's bot on whatsapp-chatbot-python: answers a greeting, a menu and a wish for the price list."""

import logging

import talk
from whatsapp_chatbot_python import GreenAPIBot, Notification

for name in ("whatsapp-api-client-python", "whatsapp-chatbot-python"):
    logging.getLogger(name).propagate = False
given = talk.given()
bot = GreenAPIBot(given["id"], given["token"], host=given["host"], media=given["host"])
talk.say(step="GreenAPIBot")
talk.cue("settled")
talk.cue("incoming", text="hello", waiting=1)


@bot.router.message(text_message="hello")
def greet(notification: Notification) -> None:
    """The next message comes while the bot waits for it."""
    answer = notification.answer("Hello! Write *menu*.")
    talk.say(step="answer", code=answer and answer.code)
    talk.cue("flowed")
    talk.cue("incoming_soon", text="menu")


@bot.router.message(text_message="menu")
def menu(notification: Notification) -> None:
    """Everything a bot can answer with."""
    replies = [{"buttonId": "1", "buttonText": "Prices"}]
    link = {"type": "url", "buttonId": "1", "buttonText": "Shop", "url": "https://example.com"}
    answers = {
        "answer_with_poll": ("When?", [{"optionName": "Now"}, {"optionName": "Later"}]),
        "answer_with_interactive_buttons_reply": ("What now?", replies),
        "answer_with_interactive_buttons": ("Our shop", [link]),
        "answer_with_file": (given["files"]["document"], "prices.pdf", "Prices"),
        "answer_buttons": ("Old", replies),
    }
    for kind, arguments in answers.items():
        answer = getattr(notification, kind)(*arguments)
        talk.say(step=kind, code=answer and answer.code)
    talk.cue("flowed")
    talk.cue("incoming_soon", text="stop")


@bot.router.message(text_message="stop")
def stop(notification: Notification) -> None:
    """As Ctrl-C does."""
    raise KeyboardInterrupt


@bot.router.outgoing_api_message()
def sent(notification: Notification) -> None:
    """What the bot itself sent is told to it."""
    talk.say(heard=notification.event["typeWebhook"], text=notification.get_message_text())


bot.run_forever()
talk.say(step="run_forever")
