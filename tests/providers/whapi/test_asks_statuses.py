"""Statuses: what is posted, who has seen it, and what others posted."""

from typing import Any

import pytest

from app.providers import asks
from app.providers.errors import NoSuchThing, NotAllowed, Unsupported
from tests.providers.whapi.conftest import ANN, BOB, OWN, Line, Upstream

FILE = "https://files.example.org/x/"


@pytest.mark.parametrize(
    ("ask", "method", "said"),
    [
        (
            asks.PostTextStatus("good day", "#223344", "SERIF", (ANN, BOB)),
            "createStoryText",
            {
                "caption": "good day",
                "background_color": "#FF223344",
                "font_type": "SYSTEM_TEXT",
                "contacts": ["79990003344", "79990005566"],
            },
        ),
        (asks.PostTextStatus("to all"), "createStoryText", {"caption": "to all"}),
        (
            asks.PostVoiceStatus(f"{FILE}a.ogg", "a.ogg", "#000000"),
            "createStoryAudio",
            {"media": f"{FILE}a.ogg", "no_cache": True, "background_color": "#FF000000"},
        ),
        (
            asks.PostMediaStatus(f"{FILE}a.jpg", "a.jpg", "new", (ANN,)),
            "createStoryMedia",
            {"media": f"{FILE}a.jpg", "no_cache": True, "caption": "new", "contacts": ["79990003344"]},
        ),
    ],
)
async def test_what_is_posted(line: Line, ask: asks.Ask[Any], method: str, said: dict[str, Any]) -> None:
    posted = await line.perform(ask)
    assert await line.upstream.asked(method) == said
    (found,) = await line.perform(asks.ListStatuses(False))
    assert (found.message_id, found.direction, found.progress) == (posted.message_id, "outgoing", "pending")
    assert found.sender == f"{OWN}@c.us"


async def test_a_text_is_told_as_it_was_posted(line: Line) -> None:
    await line.perform(asks.PostTextStatus("good day", "#223344", "NORICAN_REGULAR"))
    (found,) = await line.perform(asks.ListStatuses(False))
    assert (found.kind, found.text, found.caption) == ("text", "good day", None)
    assert (found.background, found.font) == ("#223344", "NORICAN_REGULAR")


async def test_fonts_that_whapi_has_no_name_for_are_refused(line: Line) -> None:
    with pytest.raises(Unsupported):
        await line.perform(asks.PostTextStatus("good day", font="OSWALD_HEAVY"))
    assert await line.upstream.calls("createStoryText") == []


async def test_stories_are_no_trace_of_a_message(line: Line) -> None:
    await line.perform(asks.PostTextStatus("good day"))
    assert await line.sent() == []


async def test_stories_of_others(line: Line) -> None:
    await line.phone("story", sender="79990003344", sender_name="Ann", kind="image", caption="sea")
    (found,) = await line.perform(asks.ListStatuses(True))
    assert (found.kind, found.caption, found.sender, found.sender_name) == ("image", "sea", ANN, "Ann")
    assert (found.direction, found.chat_id, found.progress) == ("incoming", ANN, None)
    assert found.mime_type == "image/jpeg"
    assert str(found.file_link).startswith("http")
    assert await line.perform(asks.ListStatuses(False)) == []
    with pytest.raises(NotAllowed):
        await line.perform(asks.StatusViews(found.message_id))


async def test_who_has_seen_it(line: Line) -> None:
    posted = await line.perform(asks.PostTextStatus("good day", audience=(ANN, BOB)))
    await line.upstream.advance(2)
    await line.phone("read", message_id=posted.message_id, by="79990003344")
    views = await line.perform(asks.StatusViews(posted.message_id))
    assert {(each.chat_id, each.status) for each in views} == {(ANN, "read"), (BOB, "delivered")}
    assert all(each.at is not None for each in views)


async def test_of_several_rows_about_one_person_the_furthest_counts(line: Line, upstream: Upstream) -> None:
    row = {"id": "S-1", "code": 3, "viewer_id": "79990003344", "timestamp": "1795219500"}
    rows = [{**row, "status": status} for status in ("sent", "played", "delivered", "deleted")]
    await upstream.fault("getMessageViewStatuses", "status", status=200, body={"statuses": rows})
    (view,) = await line.perform(asks.StatusViews("SomeStory01-gSomeStory"))
    assert (view.chat_id, view.status) == (ANN, "read")


async def test_a_status_is_taken_back(line: Line, upstream: Upstream) -> None:
    posted = await line.perform(asks.PostTextStatus("oops"))
    await line.perform(asks.DeleteStatus(posted.message_id))
    assert await line.perform(asks.ListStatuses(False)) == []
    posted = await line.perform(asks.PostTextStatus("stays"))
    await upstream.knobs(stories_deletable=False)
    with pytest.raises(NoSuchThing):
        await line.perform(asks.DeleteStatus(posted.message_id))
