"""Bodies with files: what is looked at is what goes on, within bounds, and nothing is left on disk."""

import asyncio
import contextlib
import os
import tracemalloc
from collections.abc import AsyncIterator, Iterable
from typing import Any

import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.files import incoming, names
from app.files.forms import InvalidForm, boundary_of
from app.files.incoming import BodyCut, BodyTooSlow, Limits, NoFile, taking
from app.kit.errors import BodyTooLarge, UnsupportedMediaType
from app.kit.places import TooManyAtOnce

FORM = {"content-type": "multipart/form-data; boundary=cut"}
FILE = os.urandom(300_000)


def part(name: str, value: bytes, *, file: str | None = None) -> bytes:
    """One part of a form."""
    more = "" if file is None else f'; filename="{file}"\r\nContent-Type: image/png'
    return b"--cut\r\n" + f'Content-Disposition: form-data; name="{name}"{more}\r\n\r\n'.encode() + value + b"\r\n"


END = b"--cut--\r\n"
BEFORE = part("chatId", b"1@c.us") + part("caption", "tée".encode()) + part("file", FILE, file="a.png") + END
BEHIND = part("file", FILE, file="a.png") + part("caption", "tée".encode()) + part("chatId", b"1@c.us") + END


class Client:
    """The framework's side of a body that comes in pieces."""

    def __init__(self, pieces: Iterable[bytes], *, ends: str = "done") -> None:
        self._pieces = list(pieces)
        self._ends = ends

    async def __call__(self) -> Any:
        """The next message."""
        if self._pieces:
            piece = self._pieces.pop(0)
            more = bool(self._pieces) or self._ends != "done"
            return {"type": "http.request", "body": piece, "more_body": more}
        if self._ends == "hangs":
            await asyncio.Event().wait()
        return {"type": "http.disconnect"}


def cut(body: bytes, size: int = 4096) -> list[bytes]:
    """The body in pieces."""
    return [body[start : start + size] for start in range(0, len(body), size)] or [b""]


async def drained(pieces: AsyncIterator[bytes]) -> bytes:
    """All of it."""
    return b"".join([piece async for piece in pieces])


@pytest.mark.parametrize("body", [BEFORE, BEHIND], ids=["before", "behind"])
@pytest.mark.parametrize("size", [1000, 65536, 10_000_000])
async def test_a_form_goes_on_unchanged_with_its_fields_known(body: bytes, size: int) -> None:
    async with taking(Client(cut(body, size)), FORM, needed={"chatid", "CAPTION"}) as form:
        assert form.fields == {"chatId": "1@c.us", "caption": "tée"}
        assert (form.file_name, form.media_type, form.is_form) == ("a.png", "image/png", True)
        assert await drained(form.whole()) == body
    async with taking(Client(cut(body, size)), FORM, needed={"chatId"}) as form:
        assert await drained(form.file()) == FILE


async def test_a_form_is_on_disk_only_while_it_is_wanted() -> None:
    process = psutil.Process()
    before = process.num_fds()
    with contextlib.suppress(RuntimeError):
        async with taking(Client(cut(BEHIND)), FORM, needed={"chatId"}) as form:
            assert (form.size, form.file_size) == (len(BEHIND), len(FILE))
            assert process.num_fds() == before + 1
            raise RuntimeError("upstream")
    assert process.num_fds() == before
    assert incoming._Spools.taken == 0


async def test_no_more_than_so_many_are_on_disk_at_once() -> None:
    async with asyncio.TaskGroup() as group:
        full, over = asyncio.Event(), asyncio.Event()

        async def hold() -> None:
            async with taking(Client(cut(BEHIND)), FORM, needed={"chatId"}):
                if incoming._Spools.taken == incoming.SPOOLS:
                    full.set()
                await over.wait()

        for _ in range(incoming.SPOOLS):
            group.create_task(hold())
        await full.wait()
        with pytest.raises(incoming.NoRoom):
            async with taking(Client(cut(BEHIND)), FORM, needed={"chatId"}):
                pass
        async with taking(Client(cut(BEFORE)), FORM, needed={"chatId"}) as form:
            assert await drained(form.whole()) == BEFORE
        over.set()


SECOND = part("chatId", b"2@c.us")


@pytest.mark.parametrize(
    "body",
    [
        part("chatId", b"1@c.us") + part("file", FILE, file="a.png") + SECOND + END,
        part("chatId", b"1@c.us") + part("file", FILE, file="a.png") + SECOND.replace(b"chatId", b"CHATID") + END,
        part("chatId", b"1@c.us") + SECOND + part("file", FILE, file="a.png") + END,
        part("chatId", b"1@c.us") + part("file", FILE, file="a") + part("file2", b"x", file="b") + END,
        SECOND.replace(b"--cut", b"--other") + part("chatId", b"1@c.us") + part("file", FILE, file="a") + END,
        b"preamble\r\n" + part("chatId", b"1@c.us") + part("file", FILE, file="a") + END,
        part("chatId", b"1@c.us") + part("file", FILE, file="a"),
        part("chatId", b"\xff") + part("file", FILE, file="a") + END,
        part("", b"1@c.us") + part("file", FILE, file="a") + END,
        b"".join(part(f"a{place}", b"") for place in range(10_000)) + END,
        b"--cut\r\n" + b"X: y\r\n" * 500,
        b"--cut\r\nContent-Disposition: form-data; name=" + b"n" * 9000,
        b"--cut--\r\n",
        b"",
        b"\x00" * 5000,
    ],
)
async def test_a_form_with_two_meanings_or_none_never_goes_on_whole(body: bytes) -> None:
    passed = bytearray()

    async def pass_on() -> None:
        async with taking(Client(cut(body, 65536)), FORM, needed={"chatId"}) as form:
            async for piece in form.whole():
                passed.extend(piece)

    with pytest.raises((InvalidForm, NoFile)):
        await pass_on()
    assert len(passed) < len(body) or not body


@pytest.mark.parametrize(
    ("told", "error"),
    [
        ({"content-type": "multipart/form-data"}, InvalidForm),
        ({"content-type": "multipart/form-data; boundary="}, InvalidForm),
        ({"content-type": "multipart/mixed; boundary=cut"}, InvalidForm),
        ({"content-type": "multipart/form-data; boundary=" + "x" * 300}, InvalidForm),
        ({"content-type": "image/png", "content-encoding": "gzip"}, UnsupportedMediaType),
        ({"content-type": "image/png", "content-length": str(101 * 1024 * 1024)}, BodyTooLarge),
    ],
)
async def test_a_head_that_cannot_be_served_is_refused_before_the_body(told: dict[str, str], error: type) -> None:
    with pytest.raises(error):
        async with taking(Client([], ends="hangs"), told):
            pass


@pytest.mark.parametrize(
    ("client", "error"),
    [
        (Client(cut(FILE), ends="gone"), BodyCut),
        (Client(cut(FILE), ends="hangs"), BodyTooSlow),
        (Client(cut(FILE * 4)), BodyTooLarge),
    ],
    ids=["gone", "hangs", "large"],
)
async def test_an_ending_of_the_clients_is_told_whatever_the_gateway_made_of_it(client: Client, error: type) -> None:
    async def pass_on() -> None:
        async with taking(client, {"content-type": "image/png"}, limits=Limits(1_000_000, 0.2, 5)) as file:
            try:
                await drained(file.whole())
            except Exception:
                raise RuntimeError("the gateway gave no answer") from None

    with pytest.raises(error):
        await pass_on()


async def test_a_drip_is_ended_by_the_total_time() -> None:
    class Drip:
        async def __call__(self) -> Any:
            await asyncio.sleep(0.02)
            return {"type": "http.request", "body": b"x", "more_body": True}

    with pytest.raises(BodyTooSlow):
        async with taking(Drip(), {}, limits=Limits(1000, 1, 0.3)) as file:
            await drained(file.whole())


async def test_an_endless_text_before_the_file_is_refused_early() -> None:
    class Endless:
        sent = 0

        async def __call__(self) -> Any:
            self.sent += 65536
            first = part("caption", b"")[:-2] if self.sent == 65536 else b""
            return {"type": "http.request", "body": first + b"x" * 65536, "more_body": True}

    client = Endless()
    with pytest.raises(BodyTooLarge):
        async with taking(client, FORM):
            pass
    assert client.sent < 1_000_000


async def test_a_hundred_megabytes_pass_in_a_few() -> None:
    """The form is read, looked at and passed on; what is held is a few pieces."""
    piece, left = os.urandom(65536), 1500

    async def receive() -> Any:
        nonlocal left
        left -= 1
        if left == 1499:
            return {"type": "http.request", "body": part("file", b"", file="a")[:-2], "more_body": True}
        return {"type": "http.request", "body": piece if left else b"\r\n" + END, "more_body": left > 0}

    tracemalloc.start()
    try:
        async with taking(receive, FORM) as form:
            async for _ in form.whole():
                pass
        assert form.file_bytes == 1498 * 65536
        assert tracemalloc.get_traced_memory()[1] < 3_000_000
    finally:
        tracemalloc.stop()


@settings(max_examples=60)
@given(
    texts=st.dictionaries(st.text("abcdefgh", min_size=1, max_size=5), st.text(max_size=40), max_size=5),
    file=st.binary(max_size=3000),
    size=st.integers(1, 500),
    place=st.integers(0, 5),
)
def test_any_form_in_any_pieces(texts: dict[str, str], file: bytes, size: int, place: int) -> None:
    parts = [part(name, value.encode("utf-8", "surrogatepass")) for name, value in texts.items()]
    parts.insert(min(place, len(parts)), part("file", file, file="f"))
    body = b"".join(parts) + END

    async def both() -> tuple[bytes, bytes, dict[str, str]]:
        async with taking(Client(cut(body, size)), FORM, needed=texts) as form:
            whole = await drained(form.whole())
        async with taking(Client(cut(body, size)), FORM) as form:
            return whole, await drained(form.file()), form.fields

    assert asyncio.run(both()) == (body, file, texts)


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("a.png", "a.png"),
        ("b%C3%A4r%20x.png", "bär x.png"),
        ("=?utf-8?B?YsOkci5wbmc=?=", "bär.png"),
        ("=?utf-8?q?b=C3=A4r.png?=", "bär.png"),
        ("bär.png".encode().decode("latin-1"), "bär.png"),
        ("100% sure.txt", "100% sure.txt"),
        ("=?nonsense?B?!!?=", "=?nonsense?B?!!?="),
        ("%FF%FE", "%FF%FE"),
    ],
)
def test_names_are_understood_however_clients_write_them(header: str, name: str) -> None:
    assert names.from_header(header) == name


@pytest.mark.parametrize(
    ("name", "media_type", "safe"),
    [
        ("../../etc/passwd", "", "passwd"),
        ("C:\\temp\\a.png", "", "a.png"),
        ('a"b\r\nSet-Cookie: x.png', "", "a_bSet-Cookie_ x.png"),
        ("", "image/jpeg", "file.jpg"),
        ("..", "application/x-unheard-of", "file.bin"),
        ("evil\u202egnp.exe", "", "evilgnp.exe"),
        ("ä" * 300 + ".png", "", "ä" * 118 + ".png"),
    ],
)
def test_names_are_made_safe(name: str, media_type: str, safe: str) -> None:
    assert names.safe(name, media_type) == safe


def test_a_boundary_is_read_as_clients_write_it() -> None:
    assert boundary_of('multipart/form-data; charset=utf-8; boundary="a b"') == "a b"
    assert boundary_of("image/png") is None
    assert boundary_of("") is None


async def test_one_owner_holds_a_few_places_and_takes_none_from_others() -> None:
    async with contextlib.AsyncExitStack() as held:
        for _ in range(incoming.AT_ONCE):
            await held.enter_async_context(taking(Client(cut(BEFORE)), FORM, needed={"chatId"}, owner="ada"))
        with pytest.raises(TooManyAtOnce):
            await held.enter_async_context(taking(Client(cut(BEFORE)), FORM, owner="ada"))
        async with taking(Client(cut(BEFORE)), FORM, owner="bo") as form:
            assert await drained(form.file()) == FILE
    async with taking(Client(cut(BEFORE)), FORM, owner="ada") as form:
        assert await drained(form.file()) == FILE
    assert not incoming._COMING.held


async def test_one_owner_cannot_take_all_the_room_on_disk() -> None:
    async with contextlib.AsyncExitStack() as held:
        for _ in range(incoming.SPOOLS_OF_OWNER):
            await held.enter_async_context(taking(Client(cut(BEHIND)), FORM, needed={"chatId"}, owner="ada"))
        with pytest.raises(TooManyAtOnce):
            await held.enter_async_context(taking(Client(cut(BEHIND)), FORM, needed={"chatId"}, owner="ada"))
        async with taking(Client(cut(BEHIND)), FORM, needed={"chatId"}, owner="bo") as form:
            assert form.fields["chatId"] == "1@c.us"
    assert (incoming._SPOOLED.held, incoming._Spools.taken) == (0, 0)


@pytest.mark.parametrize(
    ("told", "passed_on"),
    [
        ("multipart/form-data; boundary=cut", "multipart/form-data; boundary=cut"),
        ('Multipart/Form-Data;BOUNDARY="cut"; charset=utf-8', "multipart/form-data; boundary=cut"),
        ("multipart/form-data; boundary=other; boundary=cut", "multipart/form-data; boundary=cut"),
        ("multipart/form-data; boundary=\"cut\"; boundary*=utf-8''other", "multipart/form-data; boundary=cut"),
    ],
)
async def test_the_gateway_is_told_the_boundary_that_we_read_by(told: str, passed_on: str) -> None:
    async with taking(Client(cut(BEFORE)), {"content-type": told}, needed={"chatId"}) as form:
        assert form.content_type == passed_on
        assert form.fields["chatId"] == "1@c.us"


async def test_a_boundary_with_odd_characters_is_quoted() -> None:
    mark = 'a b"c'
    body = BEFORE.replace(b"--cut", b"--" + mark.encode())
    told = {"content-type": 'multipart/form-data; boundary="a b\\"c"'}
    async with taking(Client(cut(body)), told) as form:
        assert form.content_type == told["content-type"]
