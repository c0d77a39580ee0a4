"""Public ids: what we write ourselves is what the TypeID library writes and reads."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typeid import TypeID

from app.kit import ids
from app.kit.errors import NotFound


@given(st.integers(0, 2**128 - 1).map(lambda number: UUID(int=number)))
def test_an_id_is_written_as_the_library_writes_it_and_read_back(value: UUID) -> None:
    written = ids.to_wire(ids.MESSAGE, value)
    assert written == str(TypeID.from_uuid(value, prefix=ids.MESSAGE))  # type: ignore[arg-type]
    assert ids.from_wire(ids.MESSAGE, written) == value
    with pytest.raises(NotFound):
        ids.from_wire(ids.INSTANCE, written)


def test_a_new_id_of_each_kind_is_version_7_and_later_ones_are_greater() -> None:
    made = [ids.new_id() for _ in range(3)]
    assert {each.version for each in made} == {7}
    assert made == sorted(made)
    shown = [ids.new_wire("req") for _ in range(3)]
    assert shown == sorted(shown)
    assert all(ids.from_wire("req", each).version == 7 for each in shown)
