"""The application: every room's routes behind one door."""

import asyncio
from typing import Any, Final, cast

from litestar import Litestar, Response, get
from litestar.config.app import AppConfig
from litestar.datastructures import State
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Components, SecurityScheme
from litestar.static_files import create_static_files_router
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import text
from swagger_ui_bundle import swagger_ui_path

from app import migrate
from app.accounts.auth import provide_principal, provide_uow
from app.channels.auth import ChannelAuthenticator
from app.channels.door import ChannelDoor
from app.channels.parts import Parts as ChannelParts
from app.compat.auth import LineAuthenticator
from app.compat.door import CompatDoor
from app.compat.native_api import NativeFace
from app.compat.parts import Parts
from app.door import Door
from app.funding import gauges as pools
from app.idempotency.once import provide_replay
from app.instances import gauges as instances
from app.kit.db import SYSTEM
from app.kit.errors import AppError
from app.kit.problem import StrictRequest, handlers
from app.lane import Lane
from app.openapi import Json, Swagger, Yaml
from app.pages import show_problem
from app.routes import ROUTES
from app.runtime import Runtime

BODY_LIMIT_BYTES: Final = 256 * 1024
ASSETS: Final = "/_assets/swagger"


class NotReady(AppError):
    """The service is starting or its database is away."""

    status = 503
    code = "maintenance"
    retryable = True


@get("/livez", include_in_schema=False, opt={"public": True})
async def livez() -> dict[str, str]:
    """Whether the process runs; nothing else is asked, so that an outage elsewhere does not restart it."""
    return {"status": "ok"}


@get("/readyz", include_in_schema=False, opt={"public": True})
async def readyz(state: State) -> dict[str, str]:
    """Whether the database answers and is migrated to what this code expects."""
    runtime: Runtime = state.runtime
    try:
        async with asyncio.timeout(3), runtime.database.begin(SYSTEM) as uow:
            revision = await uow.session.scalar(text("select version_num from alembic_version"))
    except Exception as error:
        raise NotReady(reason=type(error).__name__) from None
    if revision != state.revision:
        raise NotReady("The database is being migrated.")
    return {"status": "ok"}


@get("/metrics", include_in_schema=False, opt={"public": True}, media_type=CONTENT_TYPE_LATEST)
async def metrics(state: State) -> Response[bytes]:
    """Prometheus metrics of this process, of the instances and of the prepaid pools; expose it inside only."""
    database = cast(Runtime, state.runtime).database
    shared = await asyncio.gather(instances.told(database), pools.told(database))
    return Response(generate_latest() + b"".join(shared), media_type=CONTENT_TYPE_LATEST)


def create_app(runtime: Runtime | None) -> Litestar:
    """The application over a runtime; without one it only knows its contract (for `sublet openapi`)."""
    return Litestar(
        route_handlers=[
            *ROUTES,
            livez,
            readyz,
            metrics,
            show_problem,
            create_static_files_router(ASSETS, directories=[swagger_ui_path], include_in_schema=False),
        ],
        dependencies=_dependencies(),
        exception_handlers=handlers(),
        request_class=StrictRequest,
        middleware=[],
        request_max_body_size=BODY_LIMIT_BYTES,
        openapi_config=_openapi(),
        state=State(_state(runtime)),
        on_app_init=[_quiet],
        debug=False,
        pdb_on_exception=False,
    )


def create_server_app(runtime: Runtime) -> Lane:
    """What a server runs: the door around the application, so that even an unmatched path gets an id and a line."""
    app, parts = create_app(runtime), _compat_parts(runtime)
    app.state.native = native = NativeFace(parts)
    app.on_shutdown.append(native.close)
    return Lane(
        Door(ChannelDoor(CompatDoor(app, parts), _channel_parts(runtime))),
        authenticator=runtime.authenticator,
        keyring=runtime.keyring,
        snapshots=runtime.snapshots,
        gateway=runtime.gateway,
        records=runtime.records,
        leases=runtime.leases,
        docs_url=_docs_url(runtime),
    )


def _compat_parts(runtime: Runtime) -> Parts:
    return Parts(
        database=runtime.database,
        gateway=runtime.gateway,
        registry=runtime.registry,
        egress=runtime.egress,
        waiters=runtime.waiters,
        instance_options=runtime.instance_options,
        authenticator=LineAuthenticator(runtime.database),
        public_url=runtime.settings.public_url.rstrip("/"),
    )


def _channel_parts(runtime: Runtime) -> ChannelParts:
    return ChannelParts(
        database=runtime.database,
        gateway=runtime.gateway,
        registry=runtime.registry,
        egress=runtime.egress,
        fetcher=runtime.fetcher,
        authenticator=ChannelAuthenticator(runtime.database),
        public_url=runtime.settings.public_url.rstrip("/"),
    )


def _quiet(config: AppConfig) -> AppConfig:
    """The framework's own exception log would print requests; ours tells what is needed."""
    config.logging_config = None
    return config


def _state(runtime: Runtime | None) -> dict[str, Any]:
    if runtime is None:
        return {"docs_url": "", "runtime": None}
    return {
        "runtime": runtime,
        "authenticator": runtime.authenticator,
        "docs_url": _docs_url(runtime),
        "revision": migrate.head(),
    }


def _docs_url(runtime: Runtime) -> str:
    return (runtime.settings.docs_url or runtime.settings.public_url).rstrip("/")


def _dependencies() -> dict[str, Provide]:
    def part(name: str) -> Provide:
        def provide(state: State) -> Any:
            return getattr(state.runtime, name)

        return Provide(provide, sync_to_thread=False)

    options = ("instance_options", "funding_options", "gateway_options")
    names = ("database", "registry", "egress", "fetcher", "relay", "gateway", *options)
    return {
        "principal": Provide(provide_principal),
        "uow": Provide(provide_uow),
        "replay": Provide(provide_replay),
        **{name: part(name) for name in names},
    }


def _openapi() -> OpenAPIConfig:
    return OpenAPIConfig(
        title="Sublet",
        version="1",
        summary="Rent WhatsApp gateway instances to your customers, under your brand.",
        path="/docs",
        use_handler_docstrings=True,
        components=Components(
            security_schemes={
                "apiKey": SecurityScheme(
                    type="http", scheme="bearer", description="A key `slt_sk_…` or a session token `slt_cst_…`."
                ),
                "operatorKey": SecurityScheme(type="http", scheme="bearer", description="An operator key `slt_op_…`."),
            }
        ),
        render_plugins=[
            Swagger(
                js_url=f"{ASSETS}/swagger-ui-bundle.js",
                css_url=f"{ASSETS}/swagger-ui.css",
                standalone_preset_js_url=f"{ASSETS}/swagger-ui-standalone-preset.js",
                favicon="<link rel='icon' href='data:,'>",
                path="/",
            ),
            Json(path="/openapi.json"),
            Yaml(path="/openapi.yaml"),
        ],
    )
