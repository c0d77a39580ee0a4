"""Files that tenants gave us to send."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKeyConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.db import Base, TenantOwned


class Upload(Base, TenantOwned):
    """A file that upstream stores for an instance; its link is sealed, for whoever has it has the file."""

    __tablename__ = "uploads"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "instance_id"], ["instances.tenant_id", "instances.id"]),
        Index("ix_uploads_instance", "tenant_id", "instance_id"),
        Index("ix_uploads_expires_at", "expires_at"),
    )

    instance_id: Mapped[UUID]
    link_sealed: Mapped[bytes]
    file_name: Mapped[str]
    media_type: Mapped[str]
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
