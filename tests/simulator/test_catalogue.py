"""The simulator plays exactly the methods of the house's catalogue, by the same verbs and at the same rates."""

from __future__ import annotations

import pytest

from app.gateway.catalogue import METHODS, Method, Retry, Takes
from simulator.methods.table import INSTANCE_METHODS, PARTNER_METHODS
from simulator.wire import Needs

PLAYED = {**INSTANCE_METHODS, **PARTNER_METHODS}


def test_no_method_is_missing_on_either_side() -> None:
    assert set(PLAYED) == set(METHODS)
    assert len(PLAYED) == 77


@pytest.mark.parametrize("method", METHODS.values(), ids=lambda method: method.name)
def test_both_sides_agree_on_a_method(method: Method) -> None:
    played = PLAYED[method.name.lower()]
    assert played.name == method.name
    assert ("GET" if method.verb == "WSS" else method.verb) in played.verbs
    assert method.guessed or played.rate == method.rate
    assert played.upload == (method.takes in (Takes.MULTIPART, Takes.RAW))
    assert not (played.effect and method.retry is Retry.SAFE)
    assert method.linked or played.needs is not Needs.SESSION
