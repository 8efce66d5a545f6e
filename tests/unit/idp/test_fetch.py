"""Outgoing calls for keys: each way to be led astray, closed. Row J14."""

from __future__ import annotations

import asyncio
import datetime as dt
import gzip
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from provider import answer, provider

from doorward.core.errors import DependencyError
from doorward.core.keysource import check_key_url
from doorward.idp.fetch import LIMIT, Fetched, fetch_json, max_age
from jose_material import ec_key


def fetch_from(reply: bytes | None, **more: float) -> Fetched:
    async def main() -> Fetched:
        async with provider(reply) as one:
            return await fetch_json(one.url, **more)

    return asyncio.run(main())


def hint_of(reply: bytes | None, **more: float) -> str:
    with pytest.raises(DependencyError) as caught:
        fetch_from(reply, **more)
    assert caught.value.name.startswith("127.0.0.1:")
    return caught.value.hint


@pytest.mark.parametrize(
    "url",
    [
        "https://idp.example/keys",
        "https://idp.example:8443/realms/a%20b?x=1",
        "http://127.0.0.1/keys",
        "http://127.9.9.9:8080/keys",
        "http://[::1]:8080/keys",
    ],
)
def test_https_and_http_to_a_loopback_address_are_fine(url: str) -> None:
    assert check_key_url(url) is None


@pytest.mark.parametrize(
    "url",
    [
        "",
        "keys.json",
        "http://idp.example/keys",
        "http://localhost/keys",
        "http://127.0.0.1.evil.example/keys",
        "http://127.1/keys",
        "http://2130706433/keys",
        "http://0.0.0.0/keys",
        "http://10.0.0.1/keys",
        "http://169.254.169.254/latest/meta-data",
        "http://[::ffff:10.0.0.1]/keys",
        "file:///etc/passwd",
        "ftp://127.0.0.1/keys",
        "data:application/json,{}",
        "//idp.example/keys",
        "https:///keys",
        "https://user@idp.example/keys",
        "https://user:pass@idp.example/keys",
        "http://127.0.0.1@evil.example/keys",
        "http://evil.example\\@127.0.0.1/keys",
        "https://idp.example/keys#fragment",
        "https://idp.example:99999/keys",
        "https://idp.example:0/keys",
        "https://idp.example:x/keys",
        "https://[::1/keys",
        "https://idp.example/ke ys",
        "https://idp.example/keys\r\nX: y",
        "https://idp.ex\u0430mple/keys",
    ],
)
def test_every_other_address_is_refused_before_a_connection_is_made(url: str) -> None:
    assert check_key_url(url)
    with pytest.raises(DependencyError, match="cannot be used"):
        asyncio.run(fetch_json(url))


def test_a_plain_answer_comes_back_with_its_age() -> None:
    assert fetch_from(answer({"keys": []}, Cache_Control="public, max-age=300")) == Fetched(b'{"keys": []}', 300)
    assert fetch_from(answer({})) == Fetched(b"{}", None)


def test_nothing_about_us_is_sent_and_no_compression_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")

    async def main() -> bytes:
        async with provider(answer({}, Set_Cookie="a=b")) as one:
            await fetch_json(one.url)
            await fetch_json(one.url)
            return one.requests[1].lower()

    head = asyncio.run(main())
    assert head.startswith(b"get /keys http/1.1\r\n")
    assert b"accept-encoding: identity" in head
    for name in (b"cookie", b"authorization", b"referer"):
        assert name not in head


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"])
def test_a_redirect_is_not_followed(status: str) -> None:
    async def main() -> int:
        async with provider(answer({"keys": []})) as target, provider(answer({}, status, Location=target.url)) as one:
            with pytest.raises(DependencyError, match="only 200"):
                await fetch_json(one.url)
            return len(target.requests)

    assert asyncio.run(main()) == 0


@pytest.mark.parametrize(
    "status", ["201 Created", "204 No Content", "206 Partial Content", "401 No", "404 No", "500 No"]
)
def test_whatever_is_not_200_is_no_answer(status: str) -> None:
    assert "only 200" in hint_of(answer(b"", status))


def test_an_answer_over_the_limit_is_refused_with_and_without_announced_length() -> None:
    assert len(fetch_from(answer(b" " * LIMIT)).body) == LIMIT
    assert "longer" in hint_of(answer(b" " * (LIMIT + 1)))
    assert "longer" in hint_of(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + b" " * (LIMIT + 1))


def test_a_compressed_answer_is_refused_unread() -> None:
    bomb = gzip.compress(b" " * 10_000_000)
    assert len(bomb) < LIMIT
    assert "compression" in hint_of(answer(bomb, Content_Encoding="gzip"))


def test_a_server_that_is_slow_or_silent_costs_the_deadline_and_no_more() -> None:
    async def main() -> None:
        async with provider(answer({})) as one:
            one.gate.clear()
            with pytest.raises(DependencyError, match="TimeoutError"):
                await fetch_json(one.url, timeout=0.05)

    asyncio.run(main())


@pytest.mark.parametrize(
    "reply",
    [
        None,
        b"",
        b"garbage\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
    ],
)
def test_a_broken_answer_is_an_outage_not_a_crash(reply: bytes | None) -> None:
    assert "Fetching failed" in hint_of(reply)


def test_nobody_listening_is_an_outage() -> None:
    async def main() -> None:
        async with provider(None) as one:
            url = one.url
        with pytest.raises(DependencyError, match="Fetching failed"):
            await fetch_json(url)

    asyncio.run(main())


def test_a_certificate_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    key = ec_key("ES256")
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    start = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + dt.timedelta(days=36500))
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path / "server.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    pem.write_bytes(private + certificate.public_bytes(Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)

    async def main() -> list[bytes]:
        async with provider(answer({"keys": []}), ssl=context) as one:
            with pytest.raises(DependencyError, match="Fetching failed"):
                await fetch_json(one.url)
            return one.requests

    assert asyncio.run(main()) == []


@pytest.mark.parametrize(
    ("field", "age"),
    [
        ("", None),
        ("max-age=60", 60),
        ("Public, MAX-AGE=60", 60),
        ('max-age="60"', 60),
        ("max-age=60, max-age=10", 10),
        ("no-store, max-age=60", 0),
        ("no-cache", 0),
        ("s-maxage=60", None),
        ("max-age=-1", None),
        ("max-age=1e9", None),
        ("max-age=99999999999999999999", None),
        ("x-max-age=5", None),
    ],
)
def test_how_long_an_answer_may_be_kept_is_read_from_cache_control(field: str, age: int | None) -> None:
    assert max_age(field) == age
