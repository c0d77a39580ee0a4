"""Which function answers which ask: to add an ask, write its function and a row here."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from app.providers import asks
from app.providers.port import Credentials
from app.providers.whapi import chats, contacts, groups, profile, sending, statuses
from app.providers.whapi.client import Client

Handler = Callable[[Client, Credentials, Any], Awaitable[Any]]

HANDLERS: Final[Mapping[type[asks.Ask[Any]], Handler]] = {
    asks.Send: sending.send,
    asks.ReadSettings: profile.read_settings,
    asks.WriteSettings: profile.write_settings,
    asks.ReadAccount: profile.read_account,
    asks.SetProfilePicture: profile.set_picture,
    asks.ListChats: chats.chats,
    asks.ChatHistory: chats.history,
    asks.ReadMessage: chats.message,
    asks.MarkRead: chats.read,
    asks.Archive: chats.archive,
    asks.Unarchive: chats.unarchive,
    asks.SetDisappearing: chats.disappear,
    asks.ShowTyping: chats.typing,
    asks.EditMessage: chats.edit,
    asks.DeleteMessage: chats.delete,
    asks.FileOf: chats.file,
    asks.RecentMessages: chats.recent,
    asks.ListContacts: contacts.contacts,
    asks.ReadContact: contacts.info,
    asks.AddContact: contacts.add,
    asks.EditContact: contacts.edit,
    asks.DeleteContact: contacts.delete,
    asks.ReadAvatar: contacts.avatar,
    asks.CheckNumber: contacts.check,
    asks.CreateGroup: groups.create,
    asks.ReadGroup: groups.read,
    asks.RenameGroup: groups.rename,
    asks.SetGroupPicture: groups.set_picture,
    asks.SetGroupRules: groups.set_rules,
    asks.AddParticipant: groups.add,
    asks.RemoveParticipant: groups.remove,
    asks.MakeAdmin: groups.make_admin,
    asks.DismissAdmin: groups.dismiss_admin,
    asks.LeaveGroup: groups.leave,
    asks.PostTextStatus: statuses.post_text,
    asks.PostVoiceStatus: statuses.post_voice,
    asks.PostMediaStatus: statuses.post_media,
    asks.DeleteStatus: statuses.delete,
    asks.StatusViews: statuses.views,
    asks.ListStatuses: statuses.stories,
}
UNSUPPORTED: Final = frozenset(
    {
        # What it tells of the phone is its state and its number.
        "getDeviceInfo",
        # It keeps neither its past states nor calls: both are told by notifications only.
        "getStateInstanceHistory",
        "lastIncomingCalls",
        "lastOutgoingCalls",
        # Messages leave at once.
        "showMessagesQueue",
        "clearMessagesQueue",
        "getMessagesCount",
    }
)
"""Catalogue names of the asks that have no counterpart. Source: Whapi gate reference (read 2026-11-21)."""
