"""Settings: the tenant's own are kept here, upstream keeps ours."""

from typing import Any

from tests.conftest import Upstream
from tests.routes.compat.conftest import LineClient
from tests.routes.compat.test_passing import calls


async def settings(line: LineClient) -> dict[str, Any]:
    """What the tenant sees."""
    found: dict[str, Any] = (await line.call("GET", "getSettings")).json()
    return found


async def truth(upstream: Upstream, line: LineClient) -> dict[str, Any]:
    """What upstream has."""
    rows = await upstream.control("GET", f"instances?id_instance={line.upstream_id}")
    found: dict[str, Any] = rows["instances"][0]["settings"]
    return found


async def test_a_tenants_own_settings_act_at_once_and_leave_ours_alone(line: LineClient, upstream: Upstream) -> None:
    ours = await truth(upstream, line)
    assert "/hooks/" in ours["webhookUrl"]
    fresh = await settings(line)
    assert (fresh["webhookUrl"], fresh["webhookUrlToken"], fresh["incomingWebhook"]) == ("", "", "no")
    assert fresh["delaySendMessagesMilliseconds"] == 500
    assert [name for name in fresh if name in ours] == list(ours)
    wanted = {"webhookUrl": "http://127.0.0.1:9999/n8n", "webhookUrlToken": "secret", "incomingWebhook": "yes"}
    reply = await line.call("POST", "setSettings", json=wanted)
    assert (reply.status_code, reply.content) == (200, b'{"saveSettings":true}')
    assert {name: (await settings(line))[name] for name in wanted} == wanted
    assert await truth(upstream, line) == ours
    assert (await line.call("GET", "getStateInstance")).json() == {"stateInstance": "authorized"}
    off = await line.call("POST", "setSettings", json={"webhookUrl": ""})
    assert off.json() == {"saveSettings": True}
    assert (await settings(line))["webhookUrl"] == ""


async def test_what_is_not_ours_goes_upstream_and_only_when_it_differs(line: LineClient, upstream: Upstream) -> None:
    before = len(await calls(upstream, line, "setSettings"))
    same = {"delaySendMessagesMilliseconds": 500, "markIncomingMessagesReaded": "no", "outgoingWebhook": "yes"}
    assert (await line.call("POST", "setSettings", json=same)).json() == {"saveSettings": True}
    assert len(await calls(upstream, line, "setSettings")) == before
    changed = same | {"delaySendMessagesMilliseconds": 1500}
    assert (await line.call("POST", "setSettings", json=changed)).json() == {"saveSettings": True}
    asked = (await calls(upstream, line, "setSettings"))[before:]
    assert [entry["request"] for entry in asked] == [
        {"delaySendMessagesMilliseconds": 1500, "markIncomingMessagesReaded": "no"}
    ]
    ours = await truth(upstream, line)
    assert (ours["delaySendMessagesMilliseconds"], ours["outgoingWebhook"]) == (1500, "yes")
    assert "/hooks/" in ours["webhookUrl"]


async def test_nothing_is_changed_when_a_part_is_refused(line: LineClient, upstream: Upstream) -> None:
    for bad, details in (
        ({"delaySendMessagesMilliseconds": 1}, "'delaySendMessagesMilliseconds' must be larger than or equal to 500"),
        ({"stateWebhook": "maybe"}, "'stateWebhook' must be one of [yes, no]"),
        ({"webhookUrl": 7}, "'webhookUrl' must be a string"),
        ({"webhookUrl": "ftp://x"}, "'webhookUrl' must be a valid uri"),
    ):
        reply = await line.call("POST", "setSettings", json={"incomingWebhook": "yes"} | bad)
        assert reply.status_code == 400, bad
        assert reply.json()["message"] == f"Validation failed. Details: {details}"
        assert (await settings(line))["incomingWebhook"] == "no"
    empty = await line.call("POST", "setSettings", json={})
    assert (empty.status_code, empty.json()["statusCode"]) == (400, 400)
    sneaky = {"WebhookUrl": "http://127.0.0.1:9999/x", "webhookurl": "http://127.0.0.1:9999/x", "name": "stolen"}
    await line.call("POST", "setSettings", json=sneaky | {"incomingWebhook": "yes"})
    rows = await upstream.control("GET", f"instances?id_instance={line.upstream_id}")
    assert "/hooks/" in rows["instances"][0]["settings"]["webhookUrl"]
    assert rows["instances"][0]["name"] != "stolen"


async def test_settings_stay_ours_when_upstream_cannot_be_asked(line: LineClient, upstream: Upstream) -> None:
    await upstream.faults({"method": "*", "kind": "status", "status": 503})
    assert (await line.call("POST", "setSettings", json={"incomingWebhook": "yes"})).status_code == 200
    assert (await line.call("GET", "getSettings")).status_code == 504
