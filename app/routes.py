"""Every route of the house, room by room."""

from typing import Any

from app.accounts.api import AccountController
from app.events.api import EventsController
from app.onboarding.api import AuthController
from app.onboarding.keys import ApiKeyController
from app.webhooks.api import WebhooksController

ROUTES: list[Any] = [
    EventsController,
    WebhooksController,
    AuthController,
    AccountController,
    ApiKeyController,
]
