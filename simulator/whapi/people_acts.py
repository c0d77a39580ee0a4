"""Acts of the phone about people, groups and calls: what others do to them."""

from typing import Any

from simulator.phone import NotNow
from simulator.whapi import ids, state
from simulator.whapi.channel import Channel
from simulator.whapi.partner import made_up
from simulator.whapi.state import talk_of
from simulator.whapi.talk import PERSON, Group, PhoneCall
from simulator.whapi.talk_acts import Act, need_linked, said
from simulator.whapi.world import Whapi

PRESENCES = ("online", "offline", "typing", "recording", "pending")
ACTIONS = ("add", "remove", "promote", "demote")
RINGS = ("initiated", "ringing", "missed", "canceled", "answered")


def contact(whapi: Whapi, channel: Channel, body: dict[str, Any]) -> dict[str, Any]:
    """Somebody is known, or changes: `{phone, name?, pushname?, about?, icon?, is_business?, is_saved?}`."""
    need_linked(channel)
    person = state.person(whapi, channel, said(body, "phone"))
    names = ("name", "pushname", "about", "icon")
    changes: dict[str, Any] = {name: said(body, name) for name in names if body.get(name) is not None}
    changes |= {name: bool(body[name]) for name in ("is_business", "is_saved") if name in body}
    if "name" in changes:
        changes.setdefault("is_saved", True)
    state.change_person(whapi, channel, person, **changes)
    return {"contact": person.row()}


def presence(whapi: Whapi, channel: Channel, body: dict[str, Any]) -> dict[str, Any]:
    """Somebody comes online or types: `{phone, status}`."""
    need_linked(channel)
    person, status = state.person(whapi, channel, said(body, "phone")), said(body, "status")
    if status not in PRESENCES:
        raise ValueError(f"status is one of {', '.join(PRESENCES)}")
    person.status, person.last_seen = status, whapi.world.clock.now()
    whapi.tell(channel, "presences", "post", {"presences": [person.presence()]})
    return {}


def call(whapi: Whapi, channel: Channel, body: dict[str, Any]) -> dict[str, Any]:
    """Somebody rings: `{from, video?, group?, status?}`, or a call changes: `{call_id, status}`."""
    need_linked(channel)
    talk, now = talk_of(channel), whapi.world.clock.now()
    status = said(body, "status", "ringing")
    if status not in RINGS:
        raise ValueError(f"status is one of {', '.join(RINGS)}")
    known = body.get("call_id")
    if known is None:
        author = said(body, "from").removesuffix(PERSON)
        if author in talk.blocked:
            return {"call_id": None}
        state.person(whapi, channel, author)
        ring = PhoneCall(made_up(20), author, now, bool(body.get("video")), bool(body.get("group")))
        talk.calls[ring.id] = ring
    elif known not in talk.calls:
        raise NotNow("no such call")
    else:
        ring = talk.calls[known]
    ring.status = status
    whapi.tell(channel, "calls", "post", {"calls": [ring.row(now)]})
    return {"call_id": ring.id}


def group_made(whapi: Whapi, channel: Channel, body: dict[str, Any]) -> dict[str, Any]:
    """Somebody makes a group and takes the phone in: `{by, subject?, participants?}`."""
    need_linked(channel)
    members = _numbers(body, "participants")
    group = state.add_group(whapi, channel, said(body, "subject", "Group"), said(body, "by"), members)
    return {"group_id": group.id, "invite_code": group.invite_code}


def group_change(whapi: Whapi, channel: Channel, body: dict[str, Any]) -> dict[str, Any]:
    """Others change a group: `{group_id, action, participants}`, or its `subject`, `description`, `policies`.

    Actions: add (join), remove (quit), promote, demote; the phone's own number may be among the participants.
    """
    need_linked(channel)
    group, action = _group(channel, body), body.get("action")
    if action is not None:
        if action not in ACTIONS:
            raise ValueError(f"action is one of {', '.join(ACTIONS)}")
        numbers = _numbers(body, "participants")
        if action != "add" and any(number not in group.ranks for number in numbers):
            raise NotNow("one of them is no participant")
        state.change_members(whapi, channel, group, numbers, action)
    changes: dict[str, Any] = {}
    if body.get("subject") is not None:
        changes["name"] = said(body, "subject")
    if body.get("description") is not None:
        changes["description"] = said(body, "description")
    if isinstance(body.get("policies"), dict):
        changes["policies"] = {**group.policies, **body["policies"]}
    if changes:
        state.change_group(whapi, channel, group, **changes)
    return {"group": group.row()}


def group_open(whapi: Whapi, channel: Channel, body: dict[str, Any]) -> dict[str, Any]:
    """A group exists that the phone is not in, but whose code somebody may tell it: `{by, subject?}`."""
    need_linked(channel)
    by = said(body, "by")
    group = Group(
        ids.new_group_id(),
        said(body, "subject", "Group"),
        whapi.world.clock.now(),
        by,
        {by: "creator", **dict.fromkeys(_numbers(body, "participants"), "member")},
        made_up(20),
    )
    talk_of(channel).groups[group.id] = group
    return {"group_id": group.id, "invite_code": group.invite_code}


def _group(channel: Channel, body: dict[str, Any]) -> Group:
    found = talk_of(channel).groups.get(said(body, "group_id"))
    if found is None:
        raise NotNow("no such group")
    return found


def _numbers(body: dict[str, Any], name: str) -> list[str]:
    value = body.get(name) or []
    if not isinstance(value, list) or not all(isinstance(one, str) and one.isdecimal() for one in value):
        raise ValueError(f"{name} is a list of numbers")
    return value


ACTS: dict[str, Act] = {
    "contact": contact,
    "presence": presence,
    "call": call,
    "group_made": group_made,
    "group_change": group_change,
    "group_open": group_open,
}
