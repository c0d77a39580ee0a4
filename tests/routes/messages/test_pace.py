"""What is called too fast is refused, and not counted."""

import pytest

from app.accounts.principal import Principal
from app.accounts.scopes import TENANT_SCOPES
from app.gateway.catalogue import METHODS
from app.gateway.pacing import CalledTooFast
from app.kit.ids import API_KEY, from_wire
from tests.senders import Sender


async def test_a_call_that_comes_too_fast_uses_nothing_up(sender: Sender) -> None:
    key_id = from_wire(API_KEY, sender.tenant.key_id)
    principal = Principal("api_key", key_id, sender.tenant.tenant_id, "live", TENANT_SCOPES)
    gateway, method = sender.runtime.gateway, METHODS["getcontacts"]
    used = (await sender.used())["calls"]
    while gateway.pace.take(sender.instance.id, method):
        pass
    gateway.pace.book(sender.instance.id, method)
    for _ in range(3):
        with pytest.raises(CalledTooFast):
            await gateway.admit(principal, sender.instance.id, method)
    assert (await sender.used())["calls"] == used
