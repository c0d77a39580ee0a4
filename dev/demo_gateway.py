"""The demo's steps on the gateway: every kind of message, and code that was written for GREEN-API."""

import base64
from typing import Any

from dev.outside import Customer, Outside, Unexpected, answer
from dev.phones import phone_of

FRIEND = "79995550000@c.us"
PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
)


def more_than_text(ada: Customer) -> str:
    """A picture, a poll and a group by the typed face; what came of it."""
    path = f"/v1/instances/{ada.instance_id}"
    headers = {"Authorization": f"Bearer {ada.api_key}", "Content-Type": "image/png"}
    upload = answer(ada.api.post(f"{path}/uploads?filename=tulips.png", headers=headers, content=PICTURE), 201)
    media = {"to": FRIEND, "type": "image", "media": {"upload_id": upload["id"], "caption": "Fresh today"}}
    poll = {"to": FRIEND, "type": "poll", "poll": {"question": "When shall we deliver?", "options": ["Now", "Later"]}}
    sent = [ada.call("POST", f"{path}/messages", body, expect=202) for body in (media, poll)]
    group = ada.call("POST", f"{path}/groups", {"name": "Tulip lovers", "participants": ["+79995550000"]}, expect=201)
    return f"{', '.join(each['type'] for each in sent)} queued; group {group['group_id']}"


def old_code(ada: Customer, outside: Outside) -> str:
    """What a GREEN-API client does, with our host in place of theirs."""
    line = ada.call("GET", f"/v1/instances/{ada.instance_id}/credentials")["green_api"]

    def old(verb: str, method: str, tail: str = "", **sent: Any) -> Any:
        path = f"/waInstance{line['id_instance']}/{method}/{line['api_token_instance']}{tail}"
        return answer(ada.api.request(verb, path, **sent))

    old("POST", "setSettings", json={"incomingWebhook": "yes"})
    sent = old(
        "POST",
        "sendFileByUpload",
        data={"chatId": FRIEND, "caption": "The bill"},
        files={"file": ("bill.png", PICTURE, "image/png")},
    )
    phone_of(outside, ada.instance_id).receive(FRIEND.removesuffix("@c.us"), "Paid!")
    told = old("GET", "receiveNotification", "?receiveTimeout=20")
    if told["body"]["instanceData"]["idInstance"] != line["id_instance"]:
        raise Unexpected("a notification names an instance that is not hers")
    if not old("DELETE", "deleteNotification", f"/{told['receiptId']}")["result"]:
        raise Unexpected("the notification could not be deleted")
    said = told["body"]["messageData"]["textMessageData"]["textMessage"]
    return f"waInstance{line['id_instance']}: file {sent['idMessage']}; “{said}” received"
