"""No request of ours reaches an address that is not public, however a tenant spells it."""

import asyncio
import datetime
import ipaddress
import socket
import ssl
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from app.kit.egress import READ_CAP_BYTES, Egress, UrlRefused, is_public, parse_networks
from tests.receiver import receiving

LOOPBACK = parse_networks("127.0.0.0/8")

NOT_PUBLIC = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.127.255.255",
    "127.0.0.1",
    "127.1.2.3",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.0.0.170",
    "192.0.2.1",
    "192.31.196.1",
    "192.52.193.1",
    "192.88.99.1",
    "192.168.0.1",
    "192.175.48.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:8.8.8.8",
    "64:ff9b::7f00:1",
    "64:ff9b:1::7f00:1",
    "100::1",
    "2001::1",
    "2001:2::1",
    "2001:10::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2620:4f:8000::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1",
    "fe80::1%lo",
    "fec0::1",
    "ff02::1",
    "nonsense",
    "1.2.3",
    "256.1.1.1",
    "127.1",
    "0x7f.0.0.1",
]
PUBLIC = [
    "8.8.8.8",
    "1.1.1.1",
    "93.184.216.34",
    "172.15.255.255",
    "172.32.0.1",
    "100.63.255.255",
    "2606:4700::1111",
    "2a00:1450::1",
]

REFUSED = [
    "https://127.0.0.1/", "https://127.0.0.1:8443/x", "https://10.0.0.1/", "https://192.168.1.1/", "https://172.20.0.1/",
    "https://169.254.169.254/latest/meta-data/", "https://100.64.0.1/", "https://0.0.0.0/", "https://0/", "https://127.1/",
    "https://127.0.1/", "https://2130706433/", "https://017700000001/", "https://0x7f000001/", "https://0x7f.1/",
    "https://0x7f.0x0.0x0.0x1/", "https://0177.0.0.1/", "https://127.0.0.1./", "https://127.0.0.01/", "https://[::1]/",
    "https://[::]/", "https://[::ffff:127.0.0.1]/", "https://[::ffff:7f00:1]/", "https://[0:0:0:0:0:ffff:7f00:0001]/",
    "https://[::127.0.0.1]/", "https://[64:ff9b::7f00:1]/", "https://[64:ff9b:1::7f00:1]/", "https://[2002:7f00:1::]/",
    "https://[fe80::1]/", "https://[fe80::1%25lo]/", "https://[fc00::1]/", "https://[ff02::1]/", "https://[2001:db8::1]/",
    "https://localhost/", "https://LOCALHOST/", "https://localhost./", "https://a.localhost/", "https://redis/",
    "https://db.internal/", "https://printer.local/", "https://x.home.arpa/", "https://user@example.com/",
    "https://user:secret@example.com/", "https://example.com@127.0.0.1/", "https://127.0.0.1@example.com/",
    "https://:@example.com/", "https://example.com\\@127.0.0.1/", "https://127.0.0.1\\@example.com/",
    "https://example.com#@127.0.0.1/", "https://example.com/#part", "https://127。0。0。1/", "https://①②⑦.⓪.⓪.①/",
    "https://１２７.0.0.1/", "https://ｌocalhost/", "https://bücher.example/", "http://example.com/", "http://8.8.8.8/",
    "ftp://example.com/", "file:///etc/passwd", "gopher://example.com/", "//example.com/", "example.com", "", "https://",
    "https:///path", "https://example.com:22/", "https://example.com:25/", "https://example.com:0/",
    "https://example.com:6379/", "https://example.com:5432/", "https://example.com:99999/", "https://example.com:x/",
    "https://exa mple.com/", "https://example.com/a b", "https://example.com/\n", "https://example.com/\x00", "https://[::1",
    "https://[v1.x]/", "https://-/", "https://.example.com/", "https://example..com/", "https://exa%6dple.com/",
    "https://127.0.0.1%2f.example.com/", "https://" + "a" * 300 + ".example.com/", "https://example.com/" + "a" * 2000,
    "javascript:alert(1)", "https://1.2.3.4.5/", "https://example.0x7f/", "https://example.1/", "HTTPS://127.0.0.1/",
]  # fmt: skip
ACCEPTED = [
    "https://example.com/", "https://example.com", "https://hooks.example.co.uk:8443/a/b?c=d", "https://example.com:443/",
    "https://xn--bcher-kva.example/", "https://8.8.8.8/hook", "https://[2606:4700::1111]/", "https://a_b.example.com/x",
    "https://1password.com/", "https://3.example.com/", "https://example.com./",
]  # fmt: skip


class Names(AbstractResolver):
    """A resolver that a stranger rules: each name gives its addresses in turn."""

    def __init__(self, *answers: str) -> None:
        self.answers, self.asked = list(answers), 0

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The next answer; the last goes on."""
        self.asked += 1
        address = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        kind = socket.AF_INET6 if ":" in address else socket.AF_INET
        return [ResolveResult(hostname=host, host=address, port=port, family=kind, proto=0, flags=0)]

    async def close(self) -> None:
        """Nothing to close."""


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_an_address_that_is_not_public_is_known_as_such(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_known_as_such(address: str) -> None:
    assert is_public(address)


def test_the_operator_may_allow_a_network() -> None:
    assert is_public("10.1.2.3", parse_networks("10.0.0.0/8, fd00::/8"))
    assert is_public("fd00::5", parse_networks("10.0.0.0/8, fd00::/8"))
    assert not is_public("127.0.0.1", parse_networks("10.0.0.0/8"))
    assert not is_public("::ffff:10.1.2.3", parse_networks("10.0.0.0/8"))


@pytest.mark.parametrize("url", REFUSED)
def test_a_url_that_cannot_be_delivered_to_is_refused(url: str) -> None:
    with pytest.raises(UrlRefused) as refused:
        Egress().check_url(url)
    assert refused.value.errors[0].pointer == "#/url"


@pytest.mark.parametrize("url", ACCEPTED)
def test_a_public_url_is_accepted(url: str) -> None:
    Egress().check_url(url)


def test_an_allowed_network_may_use_http_and_inner_names() -> None:
    egress = Egress(LOOPBACK)
    egress.check_url("http://127.0.0.1:8080/x")
    egress.check_url("https://hooks.internal/x")
    for url in ("http://10.0.0.1/", "http://hooks.internal/", "https://2130706433/", "https://10.0.0.1/"):
        with pytest.raises(UrlRefused):
            egress.check_url(url)


@pytest.mark.parametrize("url", REFUSED)
async def test_nothing_is_sent_to_a_refused_url(url: str) -> None:
    """Also when it stands in the table already: the check is made again at each delivery."""
    names = Names("127.0.0.1")
    egress = Egress(resolver=names)
    reply = await egress.post(url, b"{}", {})
    await egress.close()
    assert (reply.error, reply.status, names.asked) == ("blocked", None, 0)


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "::ffff:127.0.0.1", "fd00::1"])
async def test_a_public_name_that_leads_inside_is_blocked_at_the_dial(address: str) -> None:
    async with receiving() as receiver:
        port = receiver.url.split(":")[2].split("/")[0]
        egress = Egress(resolver=Names(address))
        reply = await egress.post(f"https://innocent.example:{port}/", b"{}", {})
        await egress.close()
        assert (reply.error, reply.excerpt, receiver.got) == ("blocked", "", [])


async def test_a_name_that_turns_is_judged_by_the_address_of_each_dial() -> None:
    """First an address that is allowed here, then another inside: the second dial is refused."""
    async with receiving() as receiver:
        egress = Egress(parse_networks("127.0.0.1/32"), resolver=Names("127.0.0.1", "127.0.0.2"))
        port = receiver.url.split(":")[2].split("/")[0]
        first = await egress.post(f"https://rebinding.example:{port}/", b"{}", {})
        second = await egress.post(f"https://rebinding.example:{int(port) % 60_000 + 1025}/", b"{}", {})
        third = await egress.post(f"https://other.example:{port}/", b"{}", {})
        await egress.close()
        assert first.error == "tls_failed"
        assert (second.error, third.error) == ("blocked", "blocked")
        assert receiver.got == []


async def test_without_the_allowance_no_connection_reaches_loopback() -> None:
    connections = 0

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    egress = Egress(resolver=Names("127.0.0.1"))
    for url in (f"http://127.0.0.1:{port}/", f"https://127.0.0.1:{port}/", f"https://innocent.example:{port}/"):
        assert (await egress.post(url, b"{}", {})).error == "blocked"
    await egress.close()
    server.close()
    await server.wait_closed()
    assert connections == 0


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(status: int) -> None:
    async with receiving() as inner, receiving() as receiver:

        async def elsewhere(_: web.Request) -> web.StreamResponse:
            return web.Response(status=status, headers={"Location": inner.url})

        receiver.answers = [elsewhere]
        egress = Egress(LOOPBACK)
        reply = await egress.post(receiver.url, b"{}", {})
        await egress.close()
        assert (reply.status, reply.error) == (status, None)
        assert (len(receiver.got), inner.got) == (1, [])


async def test_a_server_that_hangs_is_left_at_the_total_time() -> None:
    async with receiving() as receiver:

        async def hang(_: web.Request) -> web.StreamResponse:
            await asyncio.sleep(60)
            return web.Response()

        receiver.answers = [hang]
        egress = Egress(LOOPBACK, total_seconds=0.4)
        reply = await egress.post(receiver.url, b"{}", {})
        await egress.close()
        assert reply.error == "timeout"
        assert 350 <= reply.duration_ms < 20_000


async def test_a_server_that_drips_is_left_at_the_total_time() -> None:
    async with receiving() as receiver:

        async def drip(request: web.Request) -> web.StreamResponse:
            answer = web.StreamResponse()
            await answer.prepare(request)
            while True:
                await answer.write(b".")
                await asyncio.sleep(0.02)

        receiver.answers = [drip]
        egress = Egress(LOOPBACK, total_seconds=0.4)
        reply = await egress.post(receiver.url, b"{}", {})
        await egress.close()
        assert (reply.error, reply.status) == ("timeout", None)
        assert reply.duration_ms < 20_000


async def test_a_huge_answer_is_read_to_the_cap_only() -> None:
    written = 0
    async with receiving() as receiver:

        async def huge(request: web.Request) -> web.StreamResponse:
            nonlocal written
            answer = web.StreamResponse()
            await answer.prepare(request)
            for _ in range(5000):
                await answer.write(b"x" * 10_000)
                written += 10_000
            return answer

        receiver.answers = [huge]
        egress = Egress(LOOPBACK)
        reply = await egress.post(receiver.url, b"{}", {})
        await egress.close()
        assert (reply.status, reply.excerpt) == (200, "x" * 1024)
        assert written < 50_000_000
    assert READ_CAP_BYTES == 64 * 1024


async def test_a_compressed_answer_is_not_unpacked() -> None:
    async with receiving() as receiver:

        async def bomb(_: web.Request) -> web.StreamResponse:
            return web.Response(body=b"\x1f\x8b" + b"\x00" * 50, headers={"Content-Encoding": "gzip"})

        receiver.answers = [bomb]
        egress = Egress(LOOPBACK)
        reply = await egress.post(receiver.url, b"{}", {})
        await egress.close()
        assert reply.status == 200
        assert "\x00" not in reply.excerpt


async def test_no_cookie_is_kept() -> None:
    async with receiving() as receiver:

        async def cookie(_: web.Request) -> web.StreamResponse:
            answer = web.Response()
            answer.set_cookie("a", "b")
            return answer

        receiver.answers = [cookie]
        egress = Egress(LOOPBACK)
        await egress.post(receiver.url, b"{}", {})
        await egress.post(receiver.url, b"{}", {})
        await egress.close()
        assert "cookie" not in receiver.got[1].headers


async def test_what_is_no_http_is_a_broken_answer() -> None:
    async def nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.write(b"SSH-2.0-OpenSSH\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(nonsense, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    egress = Egress(LOOPBACK)
    reply = await egress.post(f"http://127.0.0.1:{port}/", b"{}", {})
    server.close()
    refused = await egress.post(f"http://127.0.0.1:{port}/", b"{}", {})
    await egress.close()
    assert (reply.status, reply.error) == (None, "broken_answer")
    assert (refused.status, refused.error) == (None, "connect_failed")


async def test_an_unknown_name_is_a_failure_to_connect() -> None:
    egress = Egress()
    reply = await egress.post("https://no-such-name.invalid/", b"{}", {})
    await egress.close()
    assert (reply.status, reply.error) == (None, "connect_failed")


async def test_a_certificate_that_is_not_trusted_is_refused(tmp_path: Path) -> None:
    async with receiving(_self_signed(tmp_path)) as receiver:
        egress = Egress(LOOPBACK)
        reply = await egress.post(receiver.url, b"{}", {})
        await egress.close()
        assert (reply.status, reply.error, receiver.got) == (None, "tls_failed", [])


def _self_signed(folder: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "receiver")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    made = folder / "receiver.pem"
    made.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made)
    return context
