"""Which call goes wrong and how: rules drawn from one seeded source, so that a run repeats."""

import random
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct
from msgspec.structs import asdict

CallKind = Literal[
    "lose_request",
    "lose_answer",
    "late",
    "slow_answer",
    "refuse",
    "status",
    "done_then_status",
    "plain_text_400",
    "half_body",
    "garbage",
    "wrong_content_type",
    "stall",
]
NoticeKind = Literal["duplicate_notification", "late_notification", "drop_notification", "reorder_notification"]
Provider = Literal["green", "whapi"]
NOTICE_KINDS = frozenset({"duplicate_notification", "late_notification", "drop_notification", "reorder_notification"})


class Fault(Struct, frozen=True, kw_only=True):
    """One misfortune, ready to be played; `ok` in a script means none."""

    kind: CallKind | NoticeKind | Literal["ok"]
    delay_seconds: Annotated[float, Meta(ge=0)] = 1.0
    status: Annotated[int, Meta(ge=200, le=599)] | None = None
    body: Any = None
    content_type: str | None = None


class Rule(Struct, forbid_unknown_fields=True, kw_only=True):
    """When a fault strikes; a script names the fate of each matching call in turn and then ends."""

    method: str = "*"
    kind: CallKind | NoticeKind | None = None
    probability: Annotated[float, Meta(ge=0, le=1)] = 1.0
    times: Annotated[int, Meta(ge=0)] | None = None
    delay_seconds: Annotated[float, Meta(ge=0)] = 1.0
    id_instance: int | None = None
    name: str | None = None
    channel_id: str | None = None
    provider: Provider | None = None
    status: Annotated[int, Meta(ge=200, le=599)] | None = None
    body: Any = None
    content_type: str | None = None
    script: list[CallKind | NoticeKind | Literal["ok"] | Fault] | None = None
    fired: int = 0
    seen: int = 0

    def __post_init__(self) -> None:
        if self.kind is None and self.script is None:
            raise ValueError("a rule needs a kind or a script")


class Rules(Struct, forbid_unknown_fields=True):
    """The whole set in force."""

    rules: list[Rule] = []
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """What may be struck; `method` in small letters."""

    method: str
    id_instance: int | None
    name: str | None
    channel_id: str | None
    provider: Provider

    def fits(self, rule: Rule) -> bool:
        """The rule is about this, or does not care."""
        return (
            rule.method.lower() in ("*", self.method)
            and rule.id_instance in (None, self.id_instance)
            and rule.name in (None, self.name)
            and rule.channel_id in (None, self.channel_id)
            and rule.provider in (None, self.provider)
        )


class Faults:
    """Draws the fate of each call and each notification."""

    def __init__(self) -> None:
        self.seed = 0
        self.rng = random.Random(0)
        self._calls: list[Rule] = []
        self._notices: list[Rule] = []
        self._all: list[Rule] = []

    def replace(self, rules: Rules) -> None:
        """Put these rules in force instead of all others; a seed starts the draws anew."""
        if rules.seed is not None:
            self.seed = rules.seed
            self.rng = random.Random(rules.seed)
        self._all = rules.rules
        self._notices = [rule for rule in self._all if _tells_of_notices(rule)]
        self._calls = [rule for rule in self._all if not _tells_of_notices(rule)]

    def shown(self) -> dict[str, Any]:
        """The rules in force, with how often each matched and struck."""
        return {"rules": [asdict(rule) for rule in self._all], "seed": self.seed}

    def for_call(
        self,
        method: str,
        id_instance: int | None,
        name: str | None,
        *,
        channel_id: str | None = None,
        provider: Provider = "green",
    ) -> Fault | None:
        """The fate of a call, or None when it goes well."""
        target = Target(method.lower(), id_instance, name, channel_id, provider)
        return self._draw(self._calls, target) if self._calls else None

    def for_notice(
        self,
        kind: str,
        id_instance: int | None,
        name: str,
        *,
        channel_id: str | None = None,
        provider: Provider = "green",
    ) -> Fault | None:
        """The fate of a notification of this typeWebhook or event, or None when it goes well."""
        target = Target(kind.lower(), id_instance, name, channel_id, provider)
        return self._draw(self._notices, target) if self._notices else None

    def _draw(self, rules: list[Rule], target: Target) -> Fault | None:
        for rule in rules:
            if not target.fits(rule):
                continue
            if rule.times is not None and rule.fired >= rule.times:
                continue
            if rule.probability < 1.0 and self.rng.random() >= rule.probability:
                continue
            fault = _next_of(rule)
            if fault is None:
                continue
            return fault if fault.kind != "ok" else None
        return None


def _next_of(rule: Rule) -> Fault | None:
    """What the rule holds for this match; None when its script has ended."""
    position = rule.seen
    rule.seen += 1
    if rule.script is None:
        assert rule.kind is not None
        rule.fired += 1
        return _as_told(rule, rule.kind)
    if position >= len(rule.script):
        return None
    step = rule.script[position]
    if not isinstance(step, Fault):
        step = _as_told(rule, step)
    if step.kind != "ok":
        rule.fired += 1
    return step


def _as_told(rule: Rule, kind: CallKind | NoticeKind | Literal["ok"]) -> Fault:
    return Fault(
        kind=kind,
        delay_seconds=rule.delay_seconds,
        status=rule.status,
        body=rule.body,
        content_type=rule.content_type,
    )


def _tells_of_notices(rule: Rule) -> bool:
    if rule.kind is not None:
        return rule.kind in NOTICE_KINDS
    return any((step.kind if isinstance(step, Fault) else step) in NOTICE_KINDS for step in rule.script or ())
