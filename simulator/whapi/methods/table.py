"""The one list of operations: to add one, write its function and a row here."""

from simulator.whapi.methods import account, login, manager, partner, projects, settings
from simulator.whapi.methods.talk_table import TALK
from simulator.whapi.wire import LARGE, Handler, Host, Method, Needs


def _manager(name: str, verb: str, path: str, handler: Handler) -> Method:
    return Method(name, "manager", verb, path, handler, effect=verb != "GET")


MANAGER = (
    _manager("createChannel", "PUT", "/channels", manager.create_channel),
    _manager("getChannels", "GET", "/channels/list", manager.get_channels),
    _manager("getChannelsByProjectID", "GET", "/channels/list/{ProjectID}", manager.get_channels_of_project),
    _manager("getChannel", "GET", "/channels/{ChannelID}", manager.get_channel),
    _manager("updateChannel", "PATCH", "/channels/{ChannelID}", manager.update_channel),
    _manager("deleteChannel", "DELETE", "/channels/{ChannelID}", manager.delete_channel),
    _manager("startChannel", "POST", "/channels/{ChannelID}/start", manager.start_channel),
    _manager("stopChannel", "POST", "/channels/{ChannelID}/stop", manager.stop_channel),
    _manager("restartChannel", "POST", "/channels/{ChannelID}/restart", manager.restart_channel),
    _manager("extendChannel", "POST", "/channels/{ChannelID}/extend", manager.extend_channel),
    _manager("changeChannelMode", "PATCH", "/channels/{ChannelID}/mode", manager.change_mode),
    _manager("getProjects", "GET", "/projects", projects.get_projects),
    _manager("createProject", "PUT", "/projects", projects.create_project),
    _manager("getProject", "GET", "/projects/{ProjectID}", projects.get_project),
    _manager("updateProject", "PATCH", "/projects/{ProjectID}", projects.update_project),
    _manager("deleteProject", "DELETE", "/projects/{ProjectID}", projects.delete_project),
    _manager("getPartner", "GET", "/partners", partner.get_partner),
    _manager("getPartnerSettings", "GET", "/partners/{PartnerName}/settings", partner.get_settings),
    _manager("setPartnerSettings", "PATCH", "/partners/{PartnerName}/settings", partner.set_settings),
)

GATE = (
    Method("checkHealth", "gate", "GET", "/health", login.check_health),
    Method("loginUser", "gate", "GET", "/users/login", login.login),
    Method("loginUserImage", "gate", "GET", "/users/login/image", login.login_image),
    Method("loginUserRowData", "gate", "GET", "/users/login/rowdata", login.login_rowdata),
    Method("loginUserViaAuthCode", "gate", "GET", "/users/login/{PhoneNumber}", login.login_by_code, effect=True),
    Method("logoutUser", "gate", "POST", "/users/logout", login.logout, effect=True),
    Method("getUserProfile", "gate", "GET", "/users/profile", account.get_profile, Needs.SESSION),
    Method(
        "updateUserProfile",
        "gate",
        "PATCH",
        "/users/profile",
        account.update_profile,
        Needs.SESSION,
        effect=True,
        max_bytes=LARGE,
    ),
    Method("getChannelSettings", "gate", "GET", "/settings", settings.get_settings),
    Method("updateChannelSettings", "gate", "PATCH", "/settings", settings.update_settings, effect=True),
    Method("resetChannelSettings", "gate", "DELETE", "/settings", settings.reset_settings, effect=True),
    Method("getAllowedEvents", "gate", "GET", "/settings/events", settings.get_events),
    Method("webhookTest", "gate", "POST", "/settings/webhook_test", settings.send_test),
    Method("getLimits", "gate", "GET", "/limits", account.get_limits),
)

METHODS = MANAGER + GATE + TALK
BY_NAME = {method.name: method for method in METHODS}

Pattern = tuple[Method, tuple[str, ...]]


def _indexed() -> dict[tuple[Host, str, int], list[Pattern]]:
    """By host, verb and length; patterns with fixed parts before those with variable ones."""
    found: dict[tuple[Host, str, int], list[Pattern]] = {}
    for method in METHODS:
        parts = tuple(method.path.strip("/").split("/"))
        found.setdefault((method.host, method.verb, len(parts)), []).append((method, parts))
    for rows in found.values():
        rows.sort(key=lambda row: [part.startswith("{") for part in row[1]])
    return found


_INDEX = _indexed()


def find(host: Host, verb: str, path: str) -> tuple[Method, dict[str, str]] | None:
    """The operation at an address, with the variable parts; doubled slashes do no harm."""
    parts = [part for part in path.split("/") if part]
    for method, pattern in _INDEX.get((host, verb, len(parts)), ()):
        params: dict[str, str] = {}
        for wanted, part in zip(pattern, parts, strict=True):
            if wanted.startswith("{"):
                params[wanted[1:-1]] = part
            elif wanted != part:
                break
        else:
            return method, params
    return None
