from chassis.core import Err, Ok, new_id
from modules.domain.errors import RuleBroken
from modules.domain.events import ActionApplied, ModuleChanged, ModuleCreated, ModuleDeleted
from modules.domain.kind import Action, Kind, Rule
from modules.domain.version import What
from modules.kinds import NoInput
from modules.kinds.project import KIND, START, Project

from ..builders import NOW, a_doer, a_module, a_new_module


def test_a_new_module_is_in_its_kinds_first_status_at_revision_one() -> None:
    module, version = a_new_module(KIND, {"name": "Summer Tour"})
    assert (module.status, module.revision, module.name) == ("planned", 1, "Summer Tour")
    assert (version.number, version.what, version.name) == (1, What.CREATED, "Summer Tour")
    assert [(type(one.event), one.sequence) for one in module.take_recorded()] == [(ModuleCreated, 1)]


def test_a_change_names_the_fields_that_have_new_values() -> None:
    module, by = a_module(KIND), a_doer()
    changed = module.change(Project(name="Winter Tour", client="Alte Oper"), by=by, now=NOW)
    assert isinstance(changed, Ok)
    assert changed.value is not None
    assert changed.value.changed == ("name", "configuration")
    assert (changed.value.number, changed.value.by, changed.value.name) == (2, by, "Winter Tour")
    assert [type(one.event) for one in module.take_recorded()] == [ModuleChanged]


def test_a_change_that_changes_nothing_makes_no_version() -> None:
    module = a_module(KIND)
    assert module.change(KIND.example.model_copy(), by=a_doer(), now=NOW) == Ok(None)
    assert (module.revision, module.take_recorded()) == (1, [])


def test_an_action_makes_a_version_that_names_it() -> None:
    module = a_module(KIND)
    acted = module.act(START, NoInput(), by=a_doer(), now=NOW)
    assert isinstance(acted, Ok)
    version = acted.value
    assert (version.what, version.action, version.status, version.changed) == (
        What.ACTION_APPLIED,
        "start",
        "active",
        (),
    )
    assert [type(one.event) for one in module.take_recorded()] == [ActionApplied]


def test_a_deleted_module_keeps_its_data_for_the_history() -> None:
    module = a_module(KIND)
    version = module.delete(by=a_doer(), now=NOW)
    assert module.deleted
    assert (version.what, version.number, version.data) == (What.DELETED, 2, KIND.example)
    assert [type(one.event) for one in module.take_recorded()] == [ModuleDeleted]


def test_the_first_broken_rule_is_named() -> None:
    rules = (
        Rule[Project]("names-are-short", "The name is too long.", lambda _, project: len(project.name) < 5),
        Rule[Project]("clients-are-known", "It needs a client.", lambda _, project: bool(project.client)),
    )
    kind = Kind[Project](**{**vars(KIND), "rules": rules})
    module = a_module(kind, {"name": "A long name"})
    refused = module.change(Project(name="Tour"), by=a_doer(), now=NOW)
    assert refused == Err(RuleBroken("names-are-short", "The name is too long."))


def test_an_action_may_change_data_and_status_in_one_version() -> None:
    rename = Action[Project, Project](
        **{**vars(START), "name": "restart", "input": Project, "apply": lambda _, given: given}
    )
    module, after = a_module(KIND), Project(name=f"Tour {new_id()}")
    acted = module.act(rename, after, by=a_doer(), now=NOW)
    assert isinstance(acted, Ok)
    assert (module.data, module.status, module.revision) == (after, "active", 2)
    assert acted.value.changed == ("name", "client", "configuration")
