"""What can be tuned in the Whapi half; where its documents are silent, the default is a choice."""

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

Seconds = Annotated[float, Meta(ge=0)]
Count = Annotated[int, Meta(ge=0)]
Share = Annotated[float, Meta(ge=0, le=1)]
STATUS_CODES = {"failed": 0, "pending": 1, "sent": 2, "delivered": 3, "read": 4, "played": 5, "deleted": 6}


class WhapiConfig(Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """Every knob; durations are in virtual seconds. Source: Whapi help desk and references, read 2026-11-21."""

    # Channels and their life
    init_seconds: Seconds = 5.0
    """From the wake to LAUNCH (undocumented; health samples show up to 75)."""
    launch_seconds: Seconds = 3.0
    mode_change_seconds: Seconds = 30.0
    """How long a channel is away after a change of its mode (help desk)."""
    launches_at_creation: bool = False
    """A new channel launches by itself; else it sleeps until it is asked with wakeup (choice)."""
    sleep_after_seconds: Seconds | None = None
    """A channel that nobody links falls asleep again; null: never (undocumented)."""
    launch_fails_probability: Share = 0.0
    """How often a launch ends in ERROR."""
    creations: Annotated[int, Meta(ge=1)] | None = 20
    """Channels created within the window, then 429 (help desk); null: no limit."""
    creation_window_seconds: Annotated[float, Meta(gt=0)] = 1800.0
    creation_window: Literal["sliding", "fixed"] = "sliding"
    retry_after: bool = False
    """429 carries Retry-After (undocumented)."""
    back_to_trial: bool = True
    """A channel may leave live for another mode; else 403 (undocumented)."""
    busy_status: Literal[409, 503] = 503
    """What start, stop and restart answer while the channel is in transition."""
    listing_lag_seconds: Seconds = 0.0
    """A new channel is missing from the lists for so long."""
    listing_deleted_seconds: Seconds = 0.0
    """A deleted channel is still listed for so long."""
    listing_partial_probability: Share = 0.0
    """How often a list misses channels; each is then missing with even odds."""
    project_delete: Literal["move", "refuse"] = "move"
    """Channels of a deleted project go to the default one, or it cannot be deleted (undocumented)."""
    expired_kept_seconds: Seconds | None = None
    """How long an expired channel is kept; null: for ever (undocumented)."""
    not_init_code: int = 0
    auth_code: int = 4
    sync_error_code: int = 6
    stop_code: int = 7

    # Days
    pool_days: Annotated[float, Meta(ge=0)] = 100.0
    """What a partner account begins with."""
    trial_mode: Literal["free", "paid", "none"] = "free"
    """A new channel's first days: a gift, from the pool, or none (newer guides give no free trial to everybody)."""
    trial_days: Annotated[float, Meta(ge=0)] = 5.0
    trial_grace_days: Annotated[float, Meta(ge=0)] = 1.0
    """From the end of the trial to activeTill (the published sample)."""
    trial_refunded: bool = False
    """Gifted days that are left come back as well."""
    refund_rounding: Literal["floor", "nearest", "exact", "none"] = "floor"
    """What becomes of a part-used day at deletion and stop."""
    blocked_refunded: bool = True
    extend_from: Literal["later", "now", "active_till"] = "later"
    """What days are added to: the later of now and activeTill, or one of them."""
    extend_short_status: Literal[400, 402, 403, 503] = 400
    """The answer to an extension that the pool does not cover."""
    whole_days: bool = True
    """Days must be a positive integer; else any positive number."""
    currencies: list[str] | None = None
    """Currencies an extension accepts; null: any."""
    stopped_days_run: bool = True
    """Days of a stopped channel go on running."""
    saved_days_go: Literal["pool", "channel"] = "pool"
    """Where stop with saveDays puts the days: back to the pool, or kept for the next start."""
    extend_wakes: bool = True
    """An extension takes a channel that stopped itself at activeTill back into service."""
    partner_shape: Literal["pwr", "balance"] = "pwr"
    """Which of the two answers seen GET /partners gives."""
    days_limit: Annotated[float, Meta(ge=0)] = 7.0
    """The low balance that is told of when the partner set none."""
    days_notice: Literal["once", "each"] = "once"
    """Told at the crossing only, or at each movement below the limit."""
    days_payload: Literal["full", "bare"] = "full"
    """The notice holds partner and days, both invented, or nothing but the event."""

    # Pairing
    qr_seconds: Annotated[float, Meta(gt=0)] = 20.0
    qr_codes: Annotated[int, Meta(ge=1)] | None = None
    """Codes in a row, then TIMEOUT until asked again; null: no end."""
    qr_told: Count = 5
    """Codes told by webhook after each launch."""
    qr_data_uri: bool = True
    """base64 begins with `data:image/png;base64,`."""
    login_409: bool = True
    """A linked channel answers 409 to a call for a code; else TIMEOUT."""
    code_form: Literal["3+3", "4+4", "8"] = "4+4"
    code_seconds: Seconds = 180.0

    # Trial and sandbox
    limits: bool = True
    messages_a_day: Count = 150
    chats_a_month: Count = 5
    requests_a_month: Count = 1000
    checks_a_day: Count = 30
    uncounted: list[str] = []
    """Operations that neither count as requests nor are refused for them."""
    limits_show: Literal["remaining", "used", "ceiling"] = "remaining"

    # Errors
    flat_402: bool = True
    flat_401: bool = False
    unknown_token_status: Literal[401, 404] = 401
    dead_token_status: Literal[401, 404] = 404
    """What the token of a deleted channel is told; 404 is `channel not found`."""
    sync_error_status: Annotated[int, Meta(ge=400, le=599)] = 500
    """What reads answer in SYNC_ERROR."""
    reads_without_phone: Literal["refused", "kept", "none"] = "refused"
    """Lists of messages while no phone is linked, or it is out of step: refused, or answered with what the channel has
    kept, or with nothing (the reference has no 401 for them)."""
    query_token: bool = True
    """The token may come as `?token=` as well."""
    gate_rate: Annotated[float, Meta(gt=0)] | None = None
    """Calls per second and channel, then 429; null: no limit (undocumented)."""
    manager_rate: Annotated[float, Meta(gt=0)] | None = None

    # Webhooks
    webhook_timeout_seconds: Annotated[float, Meta(gt=0)] = 5.0
    webhook_attempts: Annotated[int, Meta(ge=1)] = 5
    """Attempts of a callback that is not persisted."""
    webhook_persist: Literal["launch", "at_once"] = "launch"
    """When callback_persist takes effect: at the next launch (reference) or at once."""
    webhook_ordered: bool = False
    """A failed callback holds up those behind it (undocumented)."""
    webhook_duplicates: Share = 0.0
    """How often a callback is delivered twice."""
    event_key: Literal["event", "method", "both"] = "event"
    """What the verb is called in the body."""

    # Messages
    sent_seconds: Seconds | None = 0.2
    """From pending to sent; null leaves it to the control face."""
    delivered_seconds: Seconds | None = 0.5
    """From pending to delivered; null leaves it to the control face."""
    read_seconds: Seconds | None = None
    """From pending to read; null leaves it to the control face."""
    no_account: list[str] = []
    """Numbers (digits) that have no WhatsApp."""
    no_account_send: Literal[400, 403, 404, "failed"] = 403
    """A send to such a number is refused, or taken and then told as failed (undocumented)."""
    unaddable: list[str] = []
    """Numbers whose privacy keeps them out of groups; they end in unprocessed_participants."""
    status_codes: dict[str, int] = field(default_factory=lambda: dict(STATUS_CODES))
    """The number of each status; only 3 and 4 are documented."""
    action_event: Literal["post", "put"] = "post"
    """With which verb reactions, edits and votes are told as messages (the texts do not tell them apart)."""
    vote_form: Literal["action", "poll_update"] = "action"
    """A vote is an action message (reference) or a message of type poll_update (skill text)."""
    edit_window_seconds: Seconds | None = 900.0
    """How old a message may be that is edited; null: any age (choice)."""
    stories_deletable: bool = True
    """deleteMessage takes stories back as well (probable)."""
    story_seconds: Annotated[float, Meta(gt=0)] = 86400.0
    media_kept_seconds: Annotated[float, Meta(gt=0)] = 30 * 86400.0
    """Files are kept so long (help desk)."""
    files_at_gate: bool = False
    """The link in a message is that of getMedia, which wants the channel's token; else it is free (seen in samples)."""
    wa_id_suffix: bool = False
    """wa_id of a checked phone ends in @s.whatsapp.net (undocumented)."""
