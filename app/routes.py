"""Every route of the house, room by room."""

from typing import Any

from app.accounts.api import AccountController
from app.events.api import EventsController
from app.inbound.api import take_notice
from app.onboarding.api import AuthController
from app.onboarding.keys import ApiKeyController
from app.webhooks.api import WebhooksController

ROUTES: list[Any] = [
    EventsController,
    WebhooksController,
    take_notice,
    AuthController,
    AccountController,
    ApiKeyController,
]
