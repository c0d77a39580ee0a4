"""What can be tuned, with the figures of the real service as defaults."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from simulator.whapi.config import WhapiConfig

Seconds = Annotated[float, Meta(ge=0)]
Share = Annotated[float, Meta(ge=0, le=1)]
Span = Annotated[list[Seconds], Meta(min_length=2, max_length=2)]


class Config(Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """Every knob of the world; durations are in virtual seconds unless said otherwise.

    Source: GREEN-API documentation and issues, read 2026-11-21.
    """

    warmup_401_seconds: Seconds = 20.0
    warmup_null_seconds: Seconds = 5.0
    starting_seconds: Seconds = 30.0
    restart_seconds: Seconds = 20.0
    qr_rotate_seconds: Annotated[float, Meta(gt=0)] = 20.0
    qr_timeout_seconds: Seconds = 100.0
    code_valid_seconds: Seconds = 150.0
    code_calls_before_restart: int = 3
    """Codes given in one row before the next call sends the instance to `starting` (issue 518)."""
    wrong_code_sticks: bool = False
    """After a wrong code every call is refused until a reboot (issue 821, fixed in February 2026)."""
    push_timeout_seconds: Seconds = 180.0
    push_pause_seconds: Seconds = 60.0
    push_connections: Annotated[int, Meta(ge=1)] = 500
    """Upper bound of simultaneous pushes; read when the simulator starts."""
    notification_age_seconds: Seconds = 86400.0
    outgoing_age_seconds: Seconds = 86400.0
    deliver_after_seconds: Seconds | None = 1.0
    """From sent to delivered; null leaves it to the control face."""
    read_after_seconds: Seconds | None = None
    """From delivered to read; null leaves it to the control face."""
    receive_timeout_min_seconds: Seconds = 5.0
    receive_timeout_max_seconds: Seconds = 60.0
    journal_lag_seconds: Seconds = 0.0
    """How long a message stays unseen by the journal methods (up to two minutes upstream)."""
    rate_limits: bool = True
    listing_lag_seconds: Seconds | Span = 0.0
    """A new instance is missing from getInstances for so long; a pair is a range, drawn per instance."""
    listing_stale_probability: Share = 0.0
    listing_stale_seconds: Seconds = 30.0
    """How old a stale listing is."""
    listing_partial_probability: Share = 0.0
    """How often a listing misses rows; each row is then missing with even odds."""
    deleted_kept_seconds: Seconds = 90 * 86400.0
    deleted_answers_starting_seconds: Seconds = 0.0
    """A deleted instance goes on telling `starting` for so long (issue 637)."""
    no_account: list[str] = []
    """Numbers (digits) that have no WhatsApp."""
    history_sync_seconds: Seconds = 0.0
    """From the pairing until contacts and historySyncProgress are complete (minutes upstream)."""
    chats_refresh_seconds: Seconds = 0.0
    """How old a list of chats may be (a minute upstream)."""
    group_limit: Annotated[int, Meta(ge=1)] = 1024
    """Members a group can have."""
    old_leave_group: bool = False
    """A failed leaveGroup answers with the key `removeAdmin`, as older servers do."""
    qr_timeout_frame: Literal["timeout", "timeoutExpired"] = "timeout"
    """Type of the pairing socket's last frame when nobody scanned (older servers: timeoutExpired)."""
    min_delay_ms_override: Annotated[int, Meta(ge=0)] | None = None
    """The pause between two sends, in place of what the settings say; also lowers the accepted minimum."""
    stall_seconds: Seconds = 30.0
    """Real seconds a stalled call is held."""
    hold_seconds: Seconds = 600.0
    """Real seconds a late call is held at most when the caller does not give up."""
    jump_settle_seconds: Seconds = 2.0
    """Real seconds a clock jump waits for a silent receiver, once per jump."""
    plan: Literal["partner", "developer", "business"] = "partner"
    """What instances may use in a month; the act `plan` puts one on another."""
    fetch_files: bool = True
    """Files given by their address are looked at and fetched; else they are sent as they are said to be."""
    fetch_seconds: Annotated[float, Meta(gt=0)] = 60.0
    """Real seconds a fetch takes at most."""
    longest_caption: Annotated[int, Meta(ge=1)] = 1024
    """Characters of a caption (older pages: 20000)."""
    public_url: str = ""
    """What links to stored files begin with; empty: the address the simulator was last called at."""
    file_link_seconds: Seconds = 15 * 86400.0
    """How long the link lives that an upload is answered with."""
    download_link_seconds: Seconds = 15 * 86400.0
    """How long the downloadUrl of a message lives; downloadFile gives a fresh one."""
    files_kept_bytes: Annotated[int, Meta(ge=0)] = 2 * 1024**3
    """Stored bytes at most; the oldest files go when there are more."""
    journal_limit: Annotated[int, Meta(ge=100)] = 500_000
    whapi: WhapiConfig = WhapiConfig()
    """The knobs of the other upstream; merged knob by knob as well."""

    def merged(self, changes: dict[str, Any]) -> "Config":
        """This configuration with some knobs turned.

        Raises:
            msgspec.ValidationError: a knob is unknown or out of its range.
        """
        before: dict[str, Any] = msgspec.to_builtins(self)
        whapi = changes.get("whapi", {})
        if isinstance(whapi, dict):
            whapi = {**before["whapi"], **whapi}
        return msgspec.convert({**before, **changes, "whapi": whapi}, Config)
