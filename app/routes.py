"""Every route of the house, room by room."""

from typing import Any

from app.accounts.api import AccountController
from app.admin.api import OperatorController
from app.events.api import EventsController
from app.gateway.api import SendController
from app.inbound.api import take_notice
from app.instances.api import InstanceController
from app.instances.pairing import PairingController
from app.onboarding.api import AuthController
from app.onboarding.keys import ApiKeyController
from app.operations.api import OperationController
from app.plans.api import get_ledger, get_subscription, get_usage, list_plans
from app.webhooks.api import WebhooksController

ROUTES: list[Any] = [
    InstanceController,
    PairingController,
    SendController,
    list_plans,
    get_subscription,
    get_usage,
    get_ledger,
    OperationController,
    EventsController,
    WebhooksController,
    take_notice,
    AuthController,
    AccountController,
    ApiKeyController,
    OperatorController,
]
