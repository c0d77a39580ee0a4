"""Groups. Where Whapi changes several people in one call, each is asked for by itself, and who failed is told."""

from collections.abc import Callable
from typing import Any, Final

from app.channels import files
from app.channels.answer import NOTHING, SUCCESS, Answer, leading, refused, told
from app.channels.asking import Asking
from app.channels.chats import paged
from app.channels.parts import Call, Serve
from app.lines.channel_words import people, values
from app.providers import asks
from app.providers.errors import NoSuchThing, NotAllowed, Refused

LONGEST_NAME: Final = 100
MOST_AT_ONCE: Final = 20
"""Members of one call: each is a call of its own."""
SETTINGS: Final = {"send_messages": "members_may_send", "edit_group_info": "members_may_edit"}
POLICIES: Final = ("anyone", "admins")
Member = Callable[[str, str], asks.Ask[None]]


async def listed(asking: Asking, call: Call) -> Answer:
    """The groups that the account is in, without their members."""
    found = await asking.ask(call.channel, asks.ListContacts(groups=True))
    rows = [{"id": row.chat_id, "name": row.name or row.contact_name or "", "type": "group"} for row in found]
    return paged(call.query, "groups", rows)


async def create(asking: Asking, call: Call) -> Answer:
    """A new group; who could not be added is told."""
    name, members = call.fields.text("subject", longest=LONGEST_NAME), call.fields.people("participants")
    made = await asking.ask(call.channel, asks.CreateGroup(name, members))
    rows: list[dict[str, Any]] = [{"id": values.person(each), "rank": "member"} for each in members]
    if call.channel.own_id:
        rows.insert(0, {"id": values.person(call.channel.own_id), "rank": "creator"})
    shown: dict[str, Any] = {"id": made.group_id, "name": name, "type": "group", "participants": rows}
    if made.invite_url:
        shown["invite_code"] = _code(made.invite_url)
    return told(shown | {"created_at": int(call.channel.now.timestamp()), "unprocessed_participants": []})


async def one(asking: Asking, call: Call) -> Answer:
    """A group with its members."""
    return told(people.group(await asking.ask(call.channel, asks.ReadGroup(call.params.group("GroupID")))))


async def rename(asking: Asking, call: Call) -> Answer:
    """Another name; a description only where the gateway has Whapi's words."""
    if call.fields.has("description"):
        return await asking.natively(call)
    group_id, name = call.params.group("GroupID"), call.fields.text("subject", longest=LONGEST_NAME)
    await asking.ask(call.channel, asks.RenameGroup(group_id, name))
    return SUCCESS


async def settle(asking: Asking, call: Call) -> Answer:
    """Who may write, or change name and picture; other rules only where the gateway has Whapi's words."""
    group_id, policy = call.params.group("GroupID"), call.fields.text("policy")
    call.fields.choice("policy", POLICIES)
    rule = SETTINGS.get(call.fields.text("setting"))
    if rule is None:
        return await asking.natively(call)
    await asking.ask(call.channel, asks.SetGroupRules(group_id, **{rule: policy == "anyone"}))
    return SUCCESS


async def leave(asking: Asking, call: Call) -> Answer:
    """Go out of the group."""
    await asking.ask(call.channel, asks.LeaveGroup(call.params.group("GroupID")))
    return SUCCESS


def each_member(kind: Member, *, tells: bool) -> Serve:
    """A call about members; `tells` who was processed and who was not."""

    async def serve(asking: Asking, call: Call) -> Answer:
        group_id, wanted = call.params.group("GroupID"), call.fields.people("participants", most=MOST_AT_ONCE)
        failed: list[str] = []
        refusal: Refused | None = None
        for member in wanted:
            try:
                await asking.ask(call.channel, kind(group_id, member))
            except Refused as error:
                if not isinstance(error, NoSuchThing | NotAllowed) and type(error) is not Refused:
                    raise
                refusal = error
                failed.append(values.person(member))
        if refusal is not None and (len(failed) == len(wanted) or not tells):
            raise refusal
        done = [values.person(each) for each in wanted if values.person(each) not in failed]
        return told({"success": True, "failed": failed, "processed": done}) if tells else SUCCESS

    return serve


async def invite(asking: Asking, call: Call) -> Answer:
    """The code of the link to join, which admins may see."""
    found = await asking.ask(call.channel, asks.ReadGroup(call.params.group("GroupID")))
    if not found.invite_url:
        return refused(403, "only admins of the group may see its link")
    return told({"invite_code": _code(found.invite_url)})


async def icon(asking: Asking, call: Call) -> Answer:
    """The group's picture, under a link of ours; 204 when there is none."""
    found = await asking.ask(call.channel, asks.ReadAvatar(call.params.group("GroupID")))
    return leading(found.picture_link) if found.picture_link else NOTHING


async def set_icon(asking: Asking, call: Call) -> Answer:
    """Another picture, a JPEG."""
    group_id = call.params.group("GroupID")
    upload = await files.picture(asking, call, "media")
    ask = asks.SetGroupPicture(group_id, upload)
    await asking.do(
        call.channel, ask.method, lambda provider, credentials: provider.perform(credentials, ask), streams=True
    )
    return SUCCESS


def _code(url: str) -> str:
    return url.rstrip("/").rpartition("/")[2]
