"""Every route of the house, room by room."""

from typing import Any

from app.accounts.api import AccountController
from app.admin.api import OperatorController
from app.admin.suppliers_api import SupplierController
from app.compat.api import PartnerTokenController
from app.compat.native_api import NativeController
from app.events.api import EventsController
from app.files.api import download_file, probe_file
from app.funding.api import list_pools
from app.inbound.api import take_notice
from app.instances.api import InstanceController
from app.instances.pairing import PairingController
from app.instances.pairing_door import ask_code, show_pairing
from app.lines.api import CredentialsController
from app.onboarding.api import AuthController
from app.onboarding.keys import ApiKeyController
from app.operations.api import OperationController
from app.plans.api import get_ledger, get_subscription, get_usage, list_plans
from app.typed.account import LinkedAccountController, SettingsController
from app.typed.chats import ChatController, HistoryController
from app.typed.contacts import ContactController, check_number
from app.typed.groups import GroupController
from app.typed.messages import MessageLifeController
from app.typed.queue import QueueController, list_calls, list_recent_messages
from app.typed.statuses import StatusController
from app.typed.uploads import UploadController
from app.webhooks.api import WebhooksController

ROUTES: list[Any] = [
    InstanceController,
    PairingController,
    show_pairing,
    ask_code,
    CredentialsController,
    MessageLifeController,
    ChatController,
    HistoryController,
    ContactController,
    check_number,
    GroupController,
    StatusController,
    QueueController,
    list_recent_messages,
    list_calls,
    SettingsController,
    LinkedAccountController,
    NativeController,
    list_plans,
    get_subscription,
    get_usage,
    get_ledger,
    OperationController,
    EventsController,
    WebhooksController,
    take_notice,
    UploadController,
    download_file,
    probe_file,
    AuthController,
    AccountController,
    ApiKeyController,
    PartnerTokenController,
    list_pools,
    OperatorController,
    SupplierController,
]
