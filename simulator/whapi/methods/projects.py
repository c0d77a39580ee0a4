"""Projects: the folders a partner's channels lie in."""

from simulator.whapi.errors import Problem
from simulator.whapi.methods.manager import check_user, project_of
from simulator.whapi.partner import Project, made_up
from simulator.whapi.wire import Call, answer, page, success, text_of
from simulator.whapi.world import Whapi
from simulator.wire import Reply


def get_projects(whapi: Whapi, call: Call) -> Reply:
    """Every project, the default one among them."""
    partner, wanted = call.account, call.query.get("uid", "")
    check_user(wanted)
    mine = wanted in ("", "me", partner.owner_id)
    found, figures = page(call, list(partner.projects.values()) if mine else [])
    return answer({"projects": [project.row() for project in found], **figures})


def create_project(whapi: Whapi, call: Call) -> Reply:
    """A new, empty project; two may have the same name."""
    partner = call.account
    project = Project(made_up(20), text_of(call.fields, "name"), partner.owner_id, whapi.world.clock.now())
    partner.projects[project.id] = project
    return answer(project.row())


def get_project(whapi: Whapi, call: Call) -> Reply:
    """One project, with its channels."""
    partner, project = call.account, _of(call)
    inside = [channel for channel in partner.channels.values() if channel.project_id == project.id]
    return answer({**project.row(), "channels": [channel.row(whapi.gate_url) for channel in inside]})


def update_project(whapi: Whapi, call: Call) -> Reply:
    """Another name."""
    _of(call).name = text_of(call.fields, "name")
    return success()


def delete_project(whapi: Whapi, call: Call) -> Reply:
    """The project is gone; what becomes of its channels is a knob. The default one stays (choice)."""
    partner, project = call.account, _of(call)
    if project.is_default:
        raise Problem(400, "the default project cannot be deleted")
    inside = [channel for channel in partner.channels.values() if channel.project_id == project.id]
    if inside and whapi.config.project_delete == "refuse":
        raise Problem(400, "the project has channels")
    for channel in inside:
        channel.project_id = partner.default_project
    del partner.projects[project.id]
    return success()


def _of(call: Call) -> Project:
    return call.account.projects[project_of(call.account, call.params["ProjectID"])]
