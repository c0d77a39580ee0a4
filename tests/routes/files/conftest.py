"""A tenant with an instance, and ways to give it files."""

from dataclasses import dataclass
from uuid import UUID

import httpx2
import pytest

from app.files import links, uploads
from app.instances.models import Instance
from app.kit import ids
from app.runtime import Runtime
from tests.conftest import Drain, Upstream
from tests.factories import TestTenant, make_ready_instance, make_tenant


@dataclass
class Shop:
    """Ada's instance."""

    runtime: Runtime
    client: httpx2.AsyncClient
    tenant: TestTenant
    instance: Instance

    @property
    def path(self) -> str:
        """Where it takes uploads."""
        return f"/v1/instances/{ids.to_wire(ids.INSTANCE, self.instance.id)}/uploads"

    async def upload(self, body: bytes, media_type: str, name: str) -> str:
        """Upload a file; where the gateway keeps it."""
        headers = {**self.tenant.headers, "Content-Type": media_type}
        made = await self.client.post(self.path, params={"filename": name}, content=body, headers=headers)
        assert made.status_code == 201, made.text
        return await self.kept_at(made.json()["id"])

    async def kept_at(self, upload_id: str) -> str:
        """Where the gateway keeps an upload."""
        async with self.runtime.database.begin(self.tenant.tenant_id) as uow:
            found = await uploads.find(uow, self.instance.id, ids.from_wire(ids.UPLOAD, upload_id))
            return found.link

    async def link(self, url: str, name: str = "", *, instance_id: UUID | None = None) -> str:
        """A link of ours to what lies at the address."""
        async with self.runtime.database.begin(self.tenant.tenant_id) as uow:
            return await links.seal(
                uow,
                self.tenant.tenant_id,
                instance_id or self.instance.id,
                url,
                name=name,
                provider=self.instance.provider,
                environment=self.instance.environment,
                public_url=self.runtime.settings.public_url,
            )


@pytest.fixture
async def shop(runtime: Runtime, client: httpx2.AsyncClient, drain: Drain, upstream: Upstream) -> Shop:
    """Ada with one linked instance."""
    ada = await make_tenant(runtime, name="Ada")
    return Shop(runtime, client, ada, await make_ready_instance(runtime, drain, upstream, ada))
