"""Imports every table, so that `Base.metadata` is whole."""

from app.accounts import models as accounts
from app.accounts import partner_tokens
from app.events import models as events
from app.files import models as files
from app.funding import models as funding
from app.gateway import models as gateway
from app.idempotency import models as idempotency
from app.inbound import models as inbound
from app.instances import models as instances
from app.kit import work
from app.kit.db import Base
from app.ledger import models as ledger
from app.lines import models as lines
from app.messages import models as messages
from app.operations import models as operations
from app.plans import models as plans
from app.suppliers import models as suppliers
from app.webhooks import models as webhooks

metadata = Base.metadata

__all__ = [
    "accounts",
    "events",
    "files",
    "funding",
    "gateway",
    "idempotency",
    "inbound",
    "instances",
    "ledger",
    "lines",
    "messages",
    "metadata",
    "operations",
    "partner_tokens",
    "plans",
    "suppliers",
    "webhooks",
    "work",
]
