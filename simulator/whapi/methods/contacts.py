"""People: lists, checks of numbers, profiles, block list, @lid, presences."""

import re

from simulator.whapi import content, ids, limits, state
from simulator.whapi.errors import Problem
from simulator.whapi.state import talk_of
from simulator.whapi.talk import GROUP, PERSON, Person
from simulator.whapi.wire import Call, answer, flag_of, page, success, text_of
from simulator.whapi.world import Whapi
from simulator.wire import Reply

PHONE = re.compile(r"\+?[0-9][0-9 ()-]{5,24}")
PRESENCES = ("typing", "recording", "pause")


def get_contacts(whapi: Whapi, call: Call) -> Reply:
    """Everybody the channel knows, by number."""
    found = sorted(talk_of(call.here).people.values(), key=lambda person: person.number)
    rows, figures = page(call, found)
    return answer({"contacts": [person.row() for person in rows], **figures})


def get_contact(whapi: Whapi, call: Call) -> Reply:
    """One person; 404 for those the channel never heard of."""
    return answer(_known(call).row())


def check_phones(whapi: Whapi, call: Call) -> Reply:
    """Which of these numbers are on WhatsApp; each takes one check of the trial's quota."""
    phones = call.fields.get("contacts")
    if not isinstance(phones, list) or not phones or not all(isinstance(phone, str) for phone in phones):
        raise Problem(400, "contacts must be an array of phone numbers")
    flag_of(call.fields, "force_check", default=False)
    limits.take_checks(whapi, call.here, len(phones))
    rows: list[dict[str, str]] = []
    for phone in phones:
        digits = re.sub(r"\D", "", phone, flags=re.ASCII)
        if not PHONE.fullmatch(phone) or not 7 <= len(digits) <= 15 or not state.has_account(whapi, digits):
            rows.append({"input": phone, "status": "invalid"})
            continue
        wa_id = digits + PERSON if whapi.config.wa_id_suffix else digits
        rows.append({"input": phone, "status": "valid", "wa_id": wa_id})
    return answer({"contacts": rows})


def check_exist(whapi: Whapi, call: Call) -> Reply:
    """200 the number is on WhatsApp, 404 it is not."""
    _number_with_account(whapi, call)
    return success()


def get_profile(whapi: Whapi, call: Call) -> Reply:
    """Name, about and picture of somebody, known or not."""
    number = _number_with_account(whapi, call)
    person = talk_of(call.here).people.get(number) or Person(number)
    return answer({"name": person.row()["name"], "about": person.about, "icon": person.icon, "icon_full": person.icon})


def add_contact(whapi: Whapi, call: Call) -> Reply:
    """Into the phone's address book; 409 when it is there."""
    number = ids.number_of_contact(talk_of(call.here), call.fields.get("phone"), "phone")
    person = state.person(whapi, call.here, number)
    if person.is_saved:
        raise Problem(409, "the contact is saved already")
    state.change_person(whapi, call.here, person, name=text_of(call.fields, "name"), is_saved=True)
    return answer(person.row())


def edit_contact(whapi: Whapi, call: Call) -> Reply:
    """Another name in the address book."""
    state.change_person(whapi, call.here, _known(call), name=text_of(call.fields, "name"), is_saved=True)
    return success()


def delete_contact(whapi: Whapi, call: Call) -> Reply:
    """Out of the address book; the person stays known."""
    person = _known(call)
    if not person.is_saved:
        raise Problem(404, "contact not found")
    state.change_person(whapi, call.here, person, name="", is_saved=False)
    return success()


def get_lid(whapi: Whapi, call: Call) -> Reply:
    """The @lid of a number, or of the @lid itself."""
    number = _number_with_account(whapi, call)
    lid = ids.lid_of(number)
    talk_of(call.here).lids.setdefault(lid, number)
    return answer({"lid": lid})


def block(whapi: Whapi, call: Call) -> Reply:
    """Nothing comes from this person any more, nothing can be sent; no harm in doing it twice."""
    talk_of(call.here).blocked[_number_with_account(whapi, call)] = None
    return success()


def unblock(whapi: Whapi, call: Call) -> Reply:
    """Off the block list; 404 when the number is not on it."""
    talk = talk_of(call.here)
    number = ids.number_of_contact(talk, call.params["ContactID"])
    if number not in talk.blocked:
        raise Problem(404, "the number is not on the list")
    del talk.blocked[number]
    return success()


def get_blocked(whapi: Whapi, call: Call) -> Reply:
    """The numbers on the block list."""
    return answer(list(talk_of(call.here).blocked))


def send_presence(whapi: Whapi, call: Call) -> Reply:
    """Typing or recording, seen by the person or group; 404 when there is nobody of that kind."""
    presence = call.fields.get("presence")
    if presence not in PRESENCES:
        raise Problem(400, f"presence must be one of {', '.join(PRESENCES)}")
    content.seconds_of(call.fields, "delay")
    _entry(whapi, call)
    return success()


def send_own_presence(whapi: Whapi, call: Call) -> Reply:
    """Online or offline for everybody."""
    if call.fields.get("presence") not in ("online", "offline"):
        raise Problem(400, "presence must be online or offline")
    return success()


def subscribe_presence(whapi: Whapi, call: Call) -> Reply:
    """Hear of a person's presence from now on; 409 when that is so already."""
    entry, talk = _entry(whapi, call), talk_of(call.here)
    if entry in talk.subscribed:
        raise Problem(409, "subscribed already")
    talk.subscribed[entry] = None
    state.person(whapi, call.here, entry.removesuffix(PERSON))
    return success()


def get_presence(whapi: Whapi, call: Call) -> Reply:
    """What is known of a person's presence; 404 for those who are not subscribed to."""
    entry, talk = _entry(whapi, call), talk_of(call.here)
    person = talk.people.get(entry.removesuffix(PERSON))
    if entry not in talk.subscribed or person is None:
        raise Problem(404, "presence not found")
    return answer(person.presence())


def _entry(whapi: Whapi, call: Call) -> str:
    talk = talk_of(call.here)
    entry = ids.chat_of(talk, _suffixed(call.params["EntryID"]), "EntryID")
    if entry.endswith(GROUP) and entry not in talk.groups:
        raise Problem(404, "group not found")
    if entry.endswith(PERSON) and not state.has_account(whapi, entry.removesuffix(PERSON)):
        raise Problem(404, "contact not found")
    return entry


def _suffixed(entry: str) -> str:
    return entry if "@" in entry else entry + PERSON


def _known(call: Call) -> Person:
    talk = talk_of(call.here)
    found = talk.people.get(ids.number_of_contact(talk, call.params["ContactID"]))
    if found is None:
        raise Problem(404, "contact not found")
    return found


def _number_with_account(whapi: Whapi, call: Call) -> str:
    number = ids.number_of_contact(talk_of(call.here), call.params["ContactID"])
    if not state.has_account(whapi, number):
        raise Problem(404, "contact not found")
    return number
