"""The upstream name of an instance: found again whatever happens to case, and nobody else's."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from app.instances.tags import MOST_LENGTH, make_tag, read_tag
from app.kit.ids import new_id


@given(st.uuids(), st.text(max_size=40))
def test_a_tag_leads_back_to_its_instance(instance_id: UUID, deployment: str) -> None:
    tag = make_tag(deployment, instance_id)
    assert read_tag(deployment, tag) == instance_id
    assert read_tag(deployment, f" {tag.upper()} ") == instance_id
    assert tag.isascii()
    assert len(tag) <= MOST_LENGTH


@given(st.text(max_size=80))
def test_any_other_name_is_foreign(name: str) -> None:
    assert read_tag("prod", name) is None


def test_a_tag_of_another_deployment_is_foreign_however_alike() -> None:
    instance_id = new_id()
    for other in ("staging", "Prod", "prod.", "prod-", "prod2", "p-rod"):
        assert read_tag("prod", make_tag(other, instance_id)) is None


def test_a_tag_with_one_character_changed_is_foreign() -> None:
    tag = make_tag("prod", new_id())
    for place in range(len(tag)):
        for character in "a7-":
            changed = tag[:place] + character + tag[place + 1 :]
            assert changed == tag or read_tag("prod", changed) is None
