"""One of each ask, for what must hold of all of them."""

from typing import Any

from app.providers import asks
from app.providers.port import Upload
from tests.providers.conftest import CHAT

GROUP = "120363000000000001@g.us"
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(64) + b"\xff\xd9"


def upload(body: bytes, size: int | None = -1, kind: str = "image/jpeg", name: str = "a.jpg", step: int = 7) -> Upload:
    """A file in small pieces; `size` as the sender tells it, the true one unless given."""

    async def chunks() -> Any:
        for start in range(0, len(body), step):
            yield body[start : start + step]

    return Upload(chunks(), len(body) if size == -1 else size, kind, name)


def samples() -> list[asks.Ask[Any]]:
    """New ones each time, since a file is read once."""
    return [
        asks.Send(CHAT, asks.Text("hello")),
        asks.ReadSettings(),
        asks.WriteSettings(keep_online=True),
        asks.ReadAccount(),
        asks.ReadDevice(),
        asks.StateHistory(),
        asks.SetProfilePicture(upload(JPEG)),
        asks.ListChats(),
        asks.ChatHistory(CHAT),
        asks.ReadMessage(CHAT, "M1"),
        asks.MarkRead(CHAT),
        asks.Archive(CHAT),
        asks.Unarchive(CHAT),
        asks.SetDisappearing(CHAT, 86400),
        asks.ShowTyping(CHAT),
        asks.EditMessage(CHAT, "M1", "new"),
        asks.DeleteMessage(CHAT, "M1"),
        asks.FileOf(CHAT, "M1"),
        asks.RecentMessages(True),
        asks.RecentCalls(False),
        asks.ListContacts(),
        asks.ReadContact(CHAT),
        asks.AddContact(CHAT, "Ann"),
        asks.EditContact(CHAT, "Ann"),
        asks.DeleteContact(CHAT),
        asks.ReadAvatar(CHAT),
        asks.CheckNumber(phone="79990003344"),
        asks.CreateGroup("crew", (CHAT,)),
        asks.ReadGroup(GROUP),
        asks.RenameGroup(GROUP, "crew"),
        asks.SetGroupPicture(GROUP, upload(JPEG)),
        asks.SetGroupRules(GROUP, members_may_edit=True),
        asks.AddParticipant(GROUP, CHAT),
        asks.RemoveParticipant(GROUP, CHAT),
        asks.MakeAdmin(GROUP, CHAT),
        asks.DismissAdmin(GROUP, CHAT),
        asks.LeaveGroup(GROUP),
        asks.PostTextStatus("good day"),
        asks.PostVoiceStatus("https://files.example.org/a.mp3", "a.mp3"),
        asks.PostMediaStatus("https://files.example.org/a.jpg", "a.jpg"),
        asks.DeleteStatus("S1"),
        asks.StatusViews("S1"),
        asks.ListStatuses(True),
        asks.ListQueue(),
        asks.ClearQueue(),
        asks.CountQueue(),
    ]


NAMES = [type(sample).__name__ for sample in samples()]


def sample(name: str) -> asks.Ask[Any]:
    """The one of that name."""
    return next(each for each in samples() if type(each).__name__ == name)
