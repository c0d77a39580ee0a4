"""The one list of methods: to add one, write its function and a row here."""

from simulator.methods import account, journals, pairing, partner, queues, receiving, sending
from simulator.wire import Handler, Method, Needs

GET = frozenset({"GET"})
POST = frozenset({"POST"})
DELETE = frozenset({"DELETE"})
EITHER = GET | POST
PARTNER_RATE = 10.0
PARTNER_BURST = 20.0


def _partner(name: str, verbs: frozenset[str], handler: Handler, *, effect: bool = False) -> Method:
    return Method(name, verbs, handler, PARTNER_RATE, effect=effect, burst=PARTNER_BURST)


PARTNER = (
    _partner("createInstance", POST, partner.create_instance, effect=True),
    _partner("getInstances", EITHER, partner.get_instances),
    _partner("deleteInstanceAccount", POST, partner.delete_instance, effect=True),
)

INSTANCE = (
    Method("getStateInstance", GET, account.get_state, 1, Needs.EXISTENCE),
    Method("getSettings", GET, account.get_settings, 1),
    Method("setSettings", POST, account.set_settings, 1, effect=True),
    Method("getWaSettings", GET, account.get_wa_settings, 1),
    Method("reboot", GET, account.reboot, 1, effect=True),
    Method("logout", GET, account.logout, 1, Needs.READINESS, effect=True),
    Method("qr", GET, pairing.get_qr, 3, Needs.READINESS),
    Method("scanqrcode", GET, None, 1, Needs.READINESS),
    Method("getAuthorizationCode", POST, pairing.get_code, 50, Needs.READINESS, effect=True),
    Method("sendMessage", POST, sending.send_message, 50, effect=True),
    Method("showMessagesQueue", GET, queues.show_messages, 1),
    Method("clearMessagesQueue", GET, queues.clear_messages, 1, effect=True),
    Method("getMessagesCount", GET, queues.count_messages, 1),
    Method("getWebhooksCount", GET, queues.count_webhooks, 1),
    Method("clearWebhooksQueue", DELETE, queues.clear_webhooks, 1, effect=True),
    Method("receiveNotification", GET, None, 100, waits=receiving.receive),
    Method("deleteNotification", DELETE, receiving.delete, 100, effect=True),
    Method("lastIncomingMessages", GET, journals.last_incoming, 1),
    Method("lastOutgoingMessages", GET, journals.last_outgoing, 1),
    Method("getChatHistory", POST, journals.chat_history, 1),
    Method("getMessage", POST, journals.get_message, 10),
)

PARTNER_METHODS = {method.name.lower(): method for method in PARTNER}
INSTANCE_METHODS = {method.name.lower(): method for method in INSTANCE}
