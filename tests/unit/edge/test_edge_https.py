"""https upstreams: verified against an authority of our own making, or not spoken to at all."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from doorward.core.errors import ConfigError
from doorward.edge.upstream import Upstream
from edge_kit import GET, Origin, Proxy, Wire, dial, on_loops, origin, says, serving

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
PLAIN = serialization.NoEncryption()


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _certificate(subject: str, key: ec.EllipticCurvePrivateKey, issuer: str, signer: ec.EllipticCurvePrivateKey):
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=subject == issuer, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(signer, hashes.SHA256())
    )


class Authority:
    """A certificate authority, and contexts for both sides."""

    def __init__(self, folder: Path) -> None:
        root, leaf = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        self.file = folder / "ca.pem"
        self.file.write_bytes(_certificate("ca", root, "ca", root).public_bytes(serialization.Encoding.PEM))
        chain = folder / "server.pem"
        pem = leaf.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, PLAIN)
        certificate = _certificate("server", leaf, "ca", root)
        chain.write_bytes(pem + certificate.public_bytes(serialization.Encoding.PEM))
        self.server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.server.load_cert_chain(chain)

    def client(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.file))


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls"))


@asynccontextmanager
async def through(there: Origin, tls: ssl.SSLContext | None, host: str = "") -> AsyncIterator[tuple[Wire, Proxy]]:
    upstream = Upstream(there.url.replace("127.0.0.1", host or "127.0.0.1"), tls=tls)
    door = Proxy(upstream)
    try:
        async with serving(door) as (_, port), dial(port) as wire:
            yield wire, door
    finally:
        await upstream.close()


@on_loops
async def test_an_upstream_with_a_good_certificate_is_asked_over_tls_and_kept(authority: Authority) -> None:
    async with origin(says(OK), ssl=authority.server) as there, through(there, authority.client()) as (wire, _):
        for _ in range(3):
            assert (await wire.ask(GET)).body == b"ok"
        assert there.connections == 1


@on_loops
async def test_a_large_answer_and_a_large_body_pass_tls(authority: Authority) -> None:
    body = bytes(range(256)) * 8192
    payload = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    async with origin(says(payload), ssl=authority.server) as there, through(there, authority.client()) as (wire, _):
        head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body)
        sending = asyncio.ensure_future(wire.send(head + body))
        assert (await wire.answer()).body == body
        await sending
        assert there.seen[0].body == body


@on_loops
async def test_a_certificate_nobody_vouches_for_is_refused_before_a_byte_is_sent(authority: Authority) -> None:
    async with origin(says(OK), ssl=authority.server) as there, through(there, None) as (wire, _):
        assert (await wire.ask(GET)).body == b"unreachable"
        assert there.seen == []


@on_loops
async def test_a_certificate_for_another_name_is_refused(authority: Authority) -> None:
    async with origin(says(OK), ssl=authority.server) as there:
        async with through(there, authority.client(), "localhost") as (wire, _):
            assert (await wire.ask(GET)).body == b"unreachable"
        assert there.seen == []


@on_loops
async def test_an_upstream_that_speaks_no_tls_is_unreachable(authority: Authority) -> None:
    async def plain(origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(OK)

    async with origin(plain) as there:
        there.url = there.url.replace("http:", "https:")
        async with through(there, authority.client()) as (wire, _):
            assert (await wire.ask(GET)).body == b"unreachable"


@on_loops
async def test_a_probe_says_what_is_wrong(authority: Authority) -> None:
    async with origin(says(OK), ssl=authority.server) as there:
        for tls, found in ((authority.client(), ""), (None, "has a certificate that is not trusted")):
            upstream = Upstream(there.url, tls=tls)
            assert (await upstream.probe()).startswith(found)
            assert bool(await upstream.probe()) == bool(found)
    assert await Upstream("http://127.0.0.1:1").probe() == "refuses connections."
    assert "cannot be reached" in await Upstream("http://no-such-host.invalid:1").probe()


@pytest.mark.parametrize(
    "url",
    [
        "127.0.0.1:80",
        "ftp://127.0.0.1",
        "http://",
        "http://127.0.0.1/path",
        "http://127.0.0.1/?query",
        "http://127.0.0.1/#fragment",
        "http://user:word@127.0.0.1",
        "http://127.0.0.1:port",
        "http://127.0.0.1:99999",
        "http://[::1",
        "unix:/socket",
        "",
    ],
)
def test_what_is_no_origin_is_refused_with_its_mend(url: str) -> None:
    with pytest.raises(ConfigError):
        Upstream(url)


def test_an_origin_is_read_with_its_default_port() -> None:
    known = {
        "http://app": ("app", 80, "http://app"),
        "https://app/": ("app", 443, "https://app"),
        "http://[::1]:81": ("::1", 81, "http://[::1]:81"),
    }
    for url, (host, port, text) in known.items():
        upstream = Upstream(url)
        assert (upstream.host, upstream.port, upstream.origin) == (host, port, text)
        assert text in repr(upstream)
