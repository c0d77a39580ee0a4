"""Files that a gateway keeps behind its accounts' tokens: whose token reads a file."""

from app.files.links import FileLink
from app.instances import service
from app.kit.db import SYSTEM, Database
from app.kit.errors import NotFound
from app.providers.port import Credentials
from app.providers.registry import NoProvider, Registry


class FileKeys:
    """Tells how the account is called whose file a link of ours stands for."""

    def __init__(self, database: Database, registry: Registry) -> None:
        self._database = database
        self._registry = registry

    async def __call__(self, link: FileLink) -> Credentials | None:
        """The account's credentials; None where no token is needed, or the instance is on another gateway by now."""
        try:
            if not self._registry.get(link.provider, link.environment).traits.files_behind_token:
                return None
            async with self._database.begin(SYSTEM) as uow:
                instance = await service.find(uow, link.instance_id)
                if (instance.provider, instance.environment) != (link.provider, link.environment):
                    return None
                return await service.credentials(uow, instance)
        except (NoProvider, NotFound, service.InstanceNotReady):
            return None
