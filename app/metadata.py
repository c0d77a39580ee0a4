"""Imports every table, so that `Base.metadata` is whole."""

from app.accounts import models as accounts
from app.events import models as events
from app.idempotency import models as idempotency
from app.inbound import models as inbound
from app.instances import models as instances
from app.kit import work
from app.kit.db import Base
from app.ledger import models as ledger
from app.messages import models as messages
from app.operations import models as operations
from app.plans import models as plans
from app.webhooks import models as webhooks

metadata = Base.metadata

__all__ = [
    "accounts",
    "events",
    "idempotency",
    "inbound",
    "instances",
    "ledger",
    "messages",
    "metadata",
    "operations",
    "plans",
    "webhooks",
    "work",
]
