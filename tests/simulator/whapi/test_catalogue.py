"""The Whapi half plays exactly the operations of the references that it says it plays, at their addresses."""

from __future__ import annotations

import pytest

from simulator.whapi.methods.table import METHODS, find
from simulator.whapi.wire import Needs

MANAGER = """
PUT /channels createChannel
GET /channels/list getChannels
GET /channels/list/{ProjectID} getChannelsByProjectID
GET /channels/{ChannelID} getChannel
PATCH /channels/{ChannelID} updateChannel
DELETE /channels/{ChannelID} deleteChannel
POST /channels/{ChannelID}/start startChannel
POST /channels/{ChannelID}/stop stopChannel
POST /channels/{ChannelID}/restart restartChannel
POST /channels/{ChannelID}/extend extendChannel
PATCH /channels/{ChannelID}/mode changeChannelMode
GET /projects getProjects
PUT /projects createProject
GET /projects/{ProjectID} getProject
PATCH /projects/{ProjectID} updateProject
DELETE /projects/{ProjectID} deleteProject
GET /partners getPartner
GET /partners/{PartnerName}/settings getPartnerSettings
PATCH /partners/{PartnerName}/settings setPartnerSettings
"""
GATE = """
GET /health checkHealth
GET /settings getChannelSettings
DELETE /settings resetChannelSettings
PATCH /settings updateChannelSettings
GET /settings/events getAllowedEvents
POST /settings/webhook_test webhookTest
GET /users/login loginUser
GET /users/login/image loginUserImage
GET /users/login/rowdata loginUserRowData
GET /users/login/{PhoneNumber} loginUserViaAuthCode
POST /users/logout logoutUser
GET /users/profile getUserProfile
PATCH /users/profile updateUserProfile
GET /messages/list getMessages
GET /messages/list/{ChatID} getMessagesByChatID
POST /messages/text sendMessageText
POST /messages/image sendMessageImage
POST /messages/video sendMessageVideo
POST /messages/short sendMessageShort
POST /messages/gif sendMessageGif
POST /messages/audio sendMessageAudio
POST /messages/voice sendMessageVoice
POST /messages/document sendMessageDocument
POST /messages/link_preview sendMessageLinkPreview
POST /messages/location sendMessageLocation
POST /messages/live_location sendMessageLiveLocation
POST /messages/contact sendMessageContact
POST /messages/contact_list sendMessageContactList
POST /messages/poll sendMessagePoll
POST /messages/interactive sendMessageInteractive
POST /messages/sticker sendMessageSticker
POST /messages/story sendMessageStory
POST /messages/story/audio sendMessageStoryAudio
POST /messages/story/media sendMessageStoryMedia
POST /messages/story/text sendMessageStoryText
POST /messages/media/{MediaMessageType} sendMediaMessage
GET /messages/{MessageID} getMessage
POST /messages/{MessageID} forwardMessage
PUT /messages/{MessageID} markMessageAsRead
DELETE /messages/{MessageID} deleteMessage
PUT /messages/{MessageID}/reaction reactToMessage
DELETE /messages/{MessageID}/reaction removeReactFromMessage
PUT /messages/{MessageID}/star starMessage
GET /chats getChats
GET /chats/{ChatID} getChat
DELETE /chats/{ChatID} deleteChat
POST /chats/{ChatID} archiveChat
PATCH /chats/{ChatID} patchChat
GET /contacts getContacts
POST /contacts checkPhones
PUT /contacts addContact
GET /contacts/{ContactID} getContact
HEAD /contacts/{ContactID} checkExist
PATCH /contacts/{ContactID} editContact
DELETE /contacts/{ContactID} deleteContact
GET /contacts/{ContactID}/profile getContactProfile
GET /contacts/lids/{ContactID} getLidById
PUT /presences/me sendMePresence
GET /presences/{EntryID} getPresence
POST /presences/{EntryID} subscribePresence
PUT /presences/{EntryID} sendPresence
GET /groups getGroups
POST /groups createGroup
PUT /groups acceptGroupInvite
GET /groups/{GroupID} getGroup
PUT /groups/{GroupID} updateGroupInfo
DELETE /groups/{GroupID} leaveGroup
PATCH /groups/{GroupID} updateGroupSetting
GET /groups/{GroupID}/invite getGroupInvite
DELETE /groups/{GroupID}/invite revokeGroupInvite
POST /groups/{GroupID}/participants addGroupParticipant
DELETE /groups/{GroupID}/participants removeGroupParticipant
GET /groups/{GroupID}/icon getGroupIcon
PUT /groups/{GroupID}/icon setGroupIcon
DELETE /groups/{GroupID}/icon deleteGroupIcon
DELETE /groups/{GroupID}/admins demoteGroupAdmin
PATCH /groups/{GroupID}/admins promoteToGroupAdmin
GET /groups/link/{InviteCode} getGroupMetadataByInviteCode
GET /stories getStories
POST /stories createStory
POST /stories/send/text createStoryText
POST /stories/send/media createStoryMedia
POST /stories/send/audio createStoryAudio
GET /stories/{MessageID} getStory
PUT /stories/{MessageID} copyStory
GET /statuses/{MessageID} getMessageViewStatuses
POST /media uploadMedia
GET /media getMediaFiles
GET /media/{MediaID} getMedia
DELETE /media/{MediaID} deleteMedia
PUT /blacklist/{ContactID} blacklistAdd
DELETE /blacklist/{ContactID} blacklistRemove
GET /blacklist getBlackList
GET /limits getLimits
DELETE /calls/{CallID} rejectCall
POST /calls/{CallID}/reject rejectCallDeprecated
"""
NOT_PLAYED = """
changeStatus sendMessageCarousel pinMessage unpinMessage sendContact getLidByIds sendGroupInvite
getGroupApplicationsList approveGroupApplicationsList rejectGroupApplicationsList getNewsletters
createNewsletter findNewsletter recommendedNewsletter getNewsletter deleteNewsletter editNewsletter
subscribeNewsletter unsubscribeNewsletter subscribeNewsletterInvite unsubscribeNewsletterInvite
trackingNewsletter getMessagesNewsletter createNewsletterAdminInvite revokeNewsletterAdminInvite
acceptNewsletterAdminRequest demoteNewsletterAdmin sendNewsletterInvite getNewsletterByInviteCode
getBusinessProfile editBusinessProfile getProducts createProduct getContactProducts getProduct sendProduct
updateProduct deleteProduct getOrderItems sendCatalog createCollection getCollectionsList
getCollectionsProductsList getCollection editCollection deleteCollection getCollectionProductList getLabels
createLabel getLabelAssociations addLabelAssociation deleteLabelAssociation getCommunities createCommunity
getCommunity createGroupInCommunity deactivateCommunity revokeCommunityInvite linkGroupToCommunity
unlinkGroupFromCommunity joinInCommunityGroup changeCommunitySettings addCommunityParticipant
removeCommunityParticipant promoteCommunityParticipant demoteCommunityParticipant getCommunitySubGroups
createEvent createGroupInCommunityDeprecated createCallEvent createGroupCallLink sendEvent
"""
"""Operations the house never calls: business, labels, communities, newsletters and the like."""
ALL = 19 + 168


def _rows(text: str, host: str) -> list[tuple[str, str, str, str]]:
    rows = [line.split() for line in text.strip().splitlines()]
    return [(host, verb, path, name) for verb, path, name in rows]


PLAYED = _rows(MANAGER, "manager") + _rows(GATE, "gate")


def test_every_operation_of_the_references_is_played_or_left_out_on_purpose() -> None:
    played = {name for _, _, _, name in PLAYED}
    assert played == {method.name for method in METHODS}
    assert not played & set(NOT_PLAYED.split())
    assert len(played) + len(NOT_PLAYED.split()) == ALL
    assert len(METHODS) == len(played)


@pytest.mark.parametrize(("host", "verb", "path", "name"), PLAYED, ids=[name for _, _, _, name in PLAYED])
def test_an_operation_is_found_at_its_address_and_by_no_other_verb(host: str, verb: str, path: str, name: str) -> None:
    method = next(method for method in METHODS if method.name == name)
    assert (method.host, method.verb, method.path) == (host, verb, path)
    found = find(method.host, verb, path.replace("{", "x").replace("}", "x"))
    assert found is not None
    assert found[0] is method
    assert find(method.host, "TRACE", path) is None


def test_reads_change_nothing_and_sends_need_a_linked_phone() -> None:
    for method in METHODS:
        if method.verb in ("GET", "HEAD"):
            assert not method.effect or method.name == "loginUserViaAuthCode", method.name
        if method.counts == "message":
            assert method.needs is Needs.SESSION, method.name
            assert method.effect, method.name
