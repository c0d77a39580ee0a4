"""What the operator has set about a gateway, and how it has been of late."""

from datetime import datetime

from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.db import Base


class Supplier(Base):
    """A partner account as a supplier of instances; without a row it has the defaults.

    `weight` is its share of new instances beside the others', 0 is none unless asked for by name. `plans` are the
    plans that it is chosen for, None is all. `failures` counts creations that failed in a row; until `unwell_until`
    it gets none while another is well. Until `held_until` nothing is created there, because it said 429.
    """

    __tablename__ = "suppliers"

    provider: Mapped[str] = mapped_column(primary_key=True)
    environment: Mapped[str] = mapped_column(primary_key=True)
    weight: Mapped[int] = mapped_column(default=100)
    plans: Mapped[list[str] | None] = mapped_column(JSONB(none_as_null=True))
    paused_at: Mapped[datetime | None]
    reason: Mapped[str | None]
    failures: Mapped[int] = mapped_column(default=0)
    last_failure: Mapped[str | None]
    unwell_until: Mapped[datetime | None]
    held_until: Mapped[datetime | None]
