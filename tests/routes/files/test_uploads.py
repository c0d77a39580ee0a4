"""Uploads: through to the gateway, kept by our id, gone in time."""

from datetime import timedelta

import pytest

from app.accounts.scopes import Scope
from app.admin import retention
from app.files import uploads
from app.files.models import Upload
from app.kit import ids
from app.kit.db import SYSTEM
from tests.conftest import Upstream
from tests.factories import make_key, make_tenant
from tests.routes.files.conftest import Shop
from workers.instances import ERASERS

BODY = b"%PDF-1.7 " + bytes(range(256)) * 1000


async def test_a_file_is_stored_by_the_gateway_and_named_by_our_id(shop: Shop) -> None:
    form = {"file": ("menu.pdf", BODY, "application/pdf")}
    made = await shop.client.post(shop.path, headers=shop.tenant.headers, files=form)
    assert made.status_code == 201, made.text
    shown = made.json()
    assert shown == {
        "id": shown["id"],
        "object": "upload",
        "file_name": "menu.pdf",
        "media_type": "application/pdf",
        "size_bytes": len(BODY),
        "expires_at": shown["expires_at"],
    }
    assert made.headers["location"] == f"{shop.path}/{shown['id']}"
    got = await shop.client.get(made.headers["location"], headers=shop.tenant.headers)
    assert (got.status_code, got.json()) == (200, shown)
    link = await shop.link(await shop.kept_at(shown["id"]), "menu.pdf")
    assert (await shop.client.get(link)).content == BODY


async def test_the_body_may_be_the_file(shop: Shop) -> None:
    headers = {**shop.tenant.headers, "Content-Type": "image/png"}
    made = await shop.client.post(shop.path, headers=headers, content=BODY, params={"filename": "ä.png"})
    assert (made.json()["file_name"], made.json()["media_type"]) == ("ä.png", "image/png")
    unnamed = await shop.client.post(shop.path, headers=headers, content=BODY)
    assert unnamed.json()["file_name"] == "file.png"


async def test_an_upload_can_be_sent_through_its_instance_only(shop: Shop, upstream: Upstream) -> None:
    form = {"file": ("menu.pdf", BODY, "application/pdf")}
    upload_id = (await shop.client.post(shop.path, headers=shop.tenant.headers, files=form)).json()["id"]
    message = {"to": "79990003344@c.us", "type": "document", "media": {"upload_id": upload_id}}
    sent = await shop.client.post(shop.path.replace("uploads", "messages"), headers=shop.tenant.headers, json=message)
    assert sent.status_code == 202, sent.text
    async with shop.runtime.database.begin(shop.tenant.tenant_id) as uow:
        with pytest.raises(uploads.UploadNotFound):
            await uploads.find(uow, ids.new_id(), ids.from_wire(ids.UPLOAD, upload_id))


@pytest.mark.parametrize(
    ("headers", "body", "status", "code"),
    [
        ({"Content-Type": "application/x-www-form-urlencoded"}, b"a=b", 415, "unsupported_media_type"),
        ({"Content-Type": "multipart/form-data"}, b"", 400, "invalid_request"),
        ({"Content-Type": "multipart/form-data; boundary=x"}, b"--x--\r\n", 400, "invalid_request"),
        ({"Content-Type": "image/png"}, b"", 400, "invalid_request"),
        ({"Content-Type": "image/png", "Content-Encoding": "br"}, b"x", 415, "unsupported_media_type"),
    ],
)
async def test_what_is_no_file_is_refused(
    shop: Shop, headers: dict[str, str], body: bytes, status: int, code: str
) -> None:
    got = await shop.client.post(shop.path, headers={**shop.tenant.headers, **headers}, content=body)
    assert (got.status_code, got.json()["code"]) == (status, code)


async def test_others_neither_upload_nor_see(shop: Shop) -> None:
    bo = await make_tenant(shop.runtime, name="Bo")
    form = {"file": ("a.txt", b"x", "text/plain")}
    upload_id = (await shop.client.post(shop.path, headers=shop.tenant.headers, files=form)).json()["id"]
    for headers in (bo.headers, await make_key(shop.runtime, shop.tenant, instance_ids=[ids.new_id()])):
        assert (await shop.client.post(shop.path, headers=headers, files=form)).status_code == 404
        assert (await shop.client.get(f"{shop.path}/{upload_id}", headers=headers)).status_code == 404
    poor = await make_key(shop.runtime, shop.tenant, scopes=[Scope.MESSAGES_READ])
    assert (await shop.client.post(shop.path, headers=poor, files=form)).status_code == 403


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ({"kind": "status", "status": 500}, 504, "upstream_timeout"),
        ({"kind": "status", "status": 429}, 429, "send_rate_limited"),
        ({"kind": "status", "status": 466}, None, None),
    ],
    ids=str,
)
async def test_what_upstream_refuses_is_told_in_our_words(
    shop: Shop, upstream: Upstream, fault: dict[str, object], status: int | None, code: str | None
) -> None:
    await upstream.faults({"method": "uploadFile", **fault})
    form = {"file": ("a.txt", BODY, "text/plain")}
    got = await shop.client.post(shop.path, headers=shop.tenant.headers, files=form)
    assert got.status_code >= 400
    assert got.headers["content-type"] == "application/problem+json"
    if status is not None:
        assert (got.status_code, got.json()["code"]) == (status, code)
    async with shop.runtime.database.begin(shop.tenant.tenant_id) as uow:
        assert (await uow.session.scalars(uow.owned(Upload))).all() == []


async def test_uploads_expire_and_are_erased_with_their_instance(shop: Shop) -> None:
    form = {"file": ("a.txt", b"x", "text/plain")}
    ours = [(await shop.client.post(shop.path, headers=shop.tenant.headers, files=form)).json() for _ in range(2)]
    database = shop.runtime.database
    database.shift = uploads.KEEP - timedelta(minutes=1)
    assert (await shop.client.get(f"{shop.path}/{ours[0]['id']}", headers=shop.tenant.headers)).status_code == 200
    database.shift = uploads.KEEP + timedelta(minutes=1)
    assert (await shop.client.get(f"{shop.path}/{ours[0]['id']}", headers=shop.tenant.headers)).status_code == 404
    async with database.begin(SYSTEM) as uow:
        await retention.clean(uow, 10)
    async with database.begin(SYSTEM) as uow:
        assert (await uow.session.scalars(uow.owned(Upload))).all() == []
    database.shift = timedelta()
    await shop.client.post(shop.path, headers=shop.tenant.headers, files=form)
    async with database.begin(SYSTEM) as uow:
        assert await ERASERS["uploads"](uow, shop.tenant.tenant_id, ids.new_id()) == 0
        assert await ERASERS["uploads"](uow, shop.tenant.tenant_id, shop.instance.id) == 1
