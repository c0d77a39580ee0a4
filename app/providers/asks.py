"""What may be asked of a gateway on one account, in our words; each ask says the type of its answer.

`method` is the catalogue's name of what is asked. Three asks have two methods, so theirs is known on an instance only.
"""

from typing import ClassVar, Generic, TypeVar

from msgspec import Struct

from app.providers import answers
from app.providers.port import Sent, Upload

A = TypeVar("A")


class Ask(Struct, Generic[A], frozen=True):
    """Something asked; the gateway answers with an `A`."""

    method: ClassVar[str]


# What a message may be.


class Text(Struct, frozen=True, tag="text"):
    """A text of up to 20,000 characters; `link_preview` None is as the account's settings say."""

    method: ClassVar[str] = "sendMessage"

    text: str
    link_preview: bool | None = None


class FileByUrl(Struct, frozen=True, tag="file"):
    """A file that the gateway fetches; how it is shown follows from the extension of its name."""

    method: ClassVar[str] = "sendFileByUrl"

    url: str
    file_name: str
    caption: str = ""


class Location(Struct, frozen=True, tag="location"):
    """A place, in degrees."""

    method: ClassVar[str] = "sendLocation"

    latitude: float
    longitude: float
    name: str = ""
    address: str = ""


class Contact(Struct, frozen=True, tag="contact"):
    """A card of somebody with a number (digits) and at least one of the names."""

    method: ClassVar[str] = "sendContact"

    phone: str
    first_name: str = ""
    middle_name: str = ""
    last_name: str = ""
    company: str = ""


class Poll(Struct, frozen=True, tag="poll"):
    """A question with 2 to 12 different options."""

    method: ClassVar[str] = "sendPoll"

    question: str
    options: tuple[str, ...]
    multiple: bool = False


class Button(Struct, frozen=True):
    """A button that copies `code`, calls `phone` (digits) or opens `url`, whichever is given."""

    id: str
    text: str
    code: str | None = None
    phone: str | None = None
    url: str | None = None


class ReplyButton(Struct, frozen=True):
    """A button whose press comes back as a message."""

    id: str
    text: str


class Buttons(Struct, frozen=True, tag="buttons"):
    """A text with up to three buttons."""

    method: ClassVar[str] = "sendInteractiveButtons"

    body: str
    buttons: tuple[Button, ...]
    header: str = ""
    footer: str = ""


class ReplyButtons(Struct, frozen=True, tag="reply_buttons"):
    """A text with up to three answers to choose from."""

    method: ClassVar[str] = "sendInteractiveButtonsReply"

    body: str
    buttons: tuple[ReplyButton, ...]
    header: str = ""
    footer: str = ""


class Forward(Struct, frozen=True, tag="forward"):
    """Messages of another chat."""

    method: ClassVar[str] = "forwardMessages"

    from_chat_id: str
    message_ids: tuple[str, ...]


Content = Text | FileByUrl | Location | Contact | Poll | Buttons | ReplyButtons | Forward


class Send(Ask[Sent], frozen=True):
    """A message to be sent; it cites a message of the same chat, after a while of seeming to type (1 to 20 s)."""

    chat_id: str
    content: Content
    quoted_message_id: str | None = None
    typing_seconds: float | None = None

    @property
    def method(self) -> str:  # type: ignore[override]
        return self.content.method


# The account.


class ReadSettings(Ask[answers.Settings], frozen=True):
    """How the account behaves."""

    method: ClassVar[str] = "getSettings"


class WriteSettings(Ask[None], frozen=True, kw_only=True):
    """Change how it behaves; None leaves a setting as it is. The account restarts, which takes up to five minutes."""

    method: ClassVar[str] = "setSettings"

    send_delay_ms: int | None = None
    mark_incoming_read: bool | None = None
    mark_incoming_read_on_reply: bool | None = None
    keep_online: bool | None = None
    typing_speed: int | None = None
    link_preview: bool | None = None
    hidden_ids: bool | None = None


class ReadAccount(Ask[answers.Account], frozen=True):
    """Who is linked."""

    method: ClassVar[str] = "getWaSettings"


class ReadDevice(Ask[answers.Device], frozen=True):
    """The phone behind it."""

    method: ClassVar[str] = "getDeviceInfo"


class StateHistory(Ask[list[answers.LinkRecord]], frozen=True):
    """When the link changed, newest first."""

    method: ClassVar[str] = "getStateInstanceHistory"

    count: int = 100


class SetProfilePicture(Ask[answers.Picture], frozen=True):
    """Set the account's own picture, a JPEG."""

    method: ClassVar[str] = "setProfilePicture"

    upload: Upload


# Chats and messages.


class ListChats(Ask[list[answers.Chat]], frozen=True):
    """Chats, newest activity first; refreshed once a minute."""

    method: ClassVar[str] = "getChats"

    count: int | None = None


class ChatHistory(Ask[list[answers.Message]], frozen=True):
    """The messages of a chat, newest first."""

    method: ClassVar[str] = "getChatHistory"

    chat_id: str
    count: int = 100


class ReadMessage(Ask[answers.Message], frozen=True):
    """One message of a chat."""

    method: ClassVar[str] = "getMessage"

    chat_id: str
    message_id: str


class MarkRead(Ask[None], frozen=True):
    """Mark a chat as read, or one message of it."""

    method: ClassVar[str] = "readChat"

    chat_id: str
    message_id: str | None = None


class Archive(Ask[None], frozen=True):
    """Put a chat into the archive."""

    method: ClassVar[str] = "archiveChat"

    chat_id: str


class Unarchive(Ask[None], frozen=True):
    """Take a chat out of the archive."""

    method: ClassVar[str] = "unarchiveChat"

    chat_id: str


class SetDisappearing(Ask[answers.Disappearing], frozen=True):
    """Let messages of a chat disappear after 86400, 604800 or 7776000 seconds; 0 keeps them."""

    method: ClassVar[str] = "setDisappearingChat"

    chat_id: str
    seconds: int


class ShowTyping(Ask[None], frozen=True):
    """Seem to type, or to record, for 1 to 20 seconds."""

    method: ClassVar[str] = "sendTyping"

    chat_id: str
    seconds: float = 1.0
    recording: bool = False


class EditMessage(Ask[answers.Edited], frozen=True):
    """Change an own text that is not older than 15 minutes."""

    method: ClassVar[str] = "editMessage"

    chat_id: str
    message_id: str
    text: str


class DeleteMessage(Ask[None], frozen=True):
    """Delete a message, for all or on the own side only."""

    method: ClassVar[str] = "deleteMessage"

    chat_id: str
    message_id: str
    only_for_sender: bool = False


class FileOf(Ask[answers.StoredFile], frozen=True):
    """A fresh link to the file of a message."""

    method: ClassVar[str] = "downloadFile"

    chat_id: str
    message_id: str


class RecentMessages(Ask[list[answers.Message]], frozen=True):
    """What came in, or went out, within so many minutes."""

    incoming: bool
    minutes: int = 1440

    @property
    def method(self) -> str:  # type: ignore[override]
        return "lastIncomingMessages" if self.incoming else "lastOutgoingMessages"


class RecentCalls(Ask[list[answers.Call]], frozen=True):
    """Calls that came in, or went out, within so many minutes."""

    incoming: bool
    minutes: int = 1440

    @property
    def method(self) -> str:  # type: ignore[override]
        return "lastIncomingCalls" if self.incoming else "lastOutgoingCalls"


# Contacts.


class ListContacts(Ask[list[answers.Contact]], frozen=True):
    """People and groups, or only one of both."""

    method: ClassVar[str] = "getContacts"

    groups: bool | None = None
    count: int | None = None


class ReadContact(Ask[answers.ContactInfo], frozen=True):
    """What is known about a person."""

    method: ClassVar[str] = "getContactInfo"

    chat_id: str


class AddContact(Ask[None], frozen=True):
    """Put a person into the contacts."""

    method: ClassVar[str] = "addContact"

    chat_id: str
    first_name: str
    last_name: str = ""
    on_phone: bool = True


class EditContact(Ask[None], frozen=True):
    """Name a contact anew."""

    method: ClassVar[str] = "editContact"

    chat_id: str
    first_name: str
    last_name: str = ""
    on_phone: bool = True


class DeleteContact(Ask[None], frozen=True):
    """Take a person out of the contacts."""

    method: ClassVar[str] = "deleteContact"

    chat_id: str


class ReadAvatar(Ask[answers.Avatar], frozen=True):
    """The picture of a person or a group."""

    method: ClassVar[str] = "getAvatar"

    chat_id: str


class CheckNumber(Ask[answers.NumberCheck], frozen=True):
    """Whether somebody has WhatsApp: exactly one of `phone` (11 to 16 digits) and `chat_id`; `fresh` skips caches."""

    method: ClassVar[str] = "checkWhatsapp"

    phone: str | None = None
    chat_id: str | None = None
    fresh: bool = False


# Groups.


class CreateGroup(Ask[answers.CreatedGroup], frozen=True):
    """Make a group of people; WhatsApp dislikes more than one in five minutes."""

    method: ClassVar[str] = "createGroup"

    name: str
    chat_ids: tuple[str, ...]


class ReadGroup(Ask[answers.Group], frozen=True):
    """A group with its members."""

    method: ClassVar[str] = "getGroupData"

    group_id: str


class RenameGroup(Ask[None], frozen=True):
    """Give a group another name."""

    method: ClassVar[str] = "updateGroupName"

    group_id: str
    name: str


class SetGroupPicture(Ask[answers.Picture], frozen=True):
    """Give a group a picture, a JPEG."""

    method: ClassVar[str] = "setGroupPicture"

    group_id: str
    upload: Upload


class SetGroupRules(Ask[None], frozen=True):
    """What members who are no admins may do; None leaves a rule as it is."""

    method: ClassVar[str] = "updateGroupSettings"

    group_id: str
    members_may_edit: bool | None = None
    members_may_send: bool | None = None


class AddParticipant(Ask[None], frozen=True):
    """Take a person into a group."""

    method: ClassVar[str] = "addGroupParticipant"

    group_id: str
    chat_id: str


class RemoveParticipant(Ask[None], frozen=True):
    """Put a member out of a group."""

    method: ClassVar[str] = "removeGroupParticipant"

    group_id: str
    chat_id: str


class MakeAdmin(Ask[None], frozen=True):
    """Let a member rule a group."""

    method: ClassVar[str] = "setGroupAdmin"

    group_id: str
    chat_id: str


class DismissAdmin(Ask[None], frozen=True):
    """Let an admin be a member only."""

    method: ClassVar[str] = "removeAdmin"

    group_id: str
    chat_id: str


class LeaveGroup(Ask[None], frozen=True):
    """Go out of a group."""

    method: ClassVar[str] = "leaveGroup"

    group_id: str


# Statuses (stories).


class PostTextStatus(Ask[answers.Posted], frozen=True):
    """A text of up to 500 characters on a colour (#RRGGBB, not white); an empty audience is everybody."""

    method: ClassVar[str] = "sendTextStatus"

    text: str
    background: str | None = None
    font: str | None = None
    audience: tuple[str, ...] = ()


class PostVoiceStatus(Ask[answers.Posted], frozen=True):
    """A sound of up to a minute that the gateway fetches."""

    method: ClassVar[str] = "sendVoiceStatus"

    url: str
    file_name: str
    background: str | None = None
    audience: tuple[str, ...] = ()


class PostMediaStatus(Ask[answers.Posted], frozen=True):
    """An image or a video that the gateway fetches."""

    method: ClassVar[str] = "sendMediaStatus"

    url: str
    file_name: str
    caption: str = ""
    audience: tuple[str, ...] = ()


class DeleteStatus(Ask[None], frozen=True):
    """Take back a status."""

    method: ClassVar[str] = "deleteStatus"

    message_id: str


class StatusViews(Ask[list[answers.StatusView]], frozen=True):
    """Whom a status has reached, and who has seen it."""

    method: ClassVar[str] = "getStatusStatistic"

    message_id: str


class ListStatuses(Ask[list[answers.Status]], frozen=True):
    """Statuses of contacts (incoming) or of the account, within so many minutes; kept for 30 days."""

    incoming: bool
    minutes: int = 1440

    @property
    def method(self) -> str:  # type: ignore[override]
        return "getIncomingStatuses" if self.incoming else "getOutgoingStatuses"


# The queue of messages to be sent.


class ListQueue(Ask[list[answers.Queued]], frozen=True):
    """What waits to be sent, in its order."""

    method: ClassVar[str] = "showMessagesQueue"


class ClearQueue(Ask[None], frozen=True):
    """Drop what waits to be sent."""

    method: ClassVar[str] = "clearMessagesQueue"


class CountQueue(Ask[answers.Count], frozen=True):
    """How much waits to be sent."""

    method: ClassVar[str] = "getMessagesCount"
