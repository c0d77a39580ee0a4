"""Whapi's calls over both gateways: what comes has Whapi's shape, and no trace of whose gateway it is."""

from tests.routes.channels.conftest import ANN, Opened


async def test_a_text_is_sent_by_changing_the_host_alone(opened: Opened) -> None:
    async with opened() as client:
        sent = await client.ok("POST", "/messages/text", json={"to": ANN, "body": "Order 1042", "unknown": 1})
        assert sent["sent"] is True
        message = sent["message"]
        assert (message["type"], message["chat_id"], message["from_me"]) == ("text", ANN, True)
        assert message["text"] == {"body": "Order 1042"}
        assert message["source"] == "api"
        assert message["id"]
