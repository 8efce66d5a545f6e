"""What a request is read as: hosts, origins, forwarding fields, address keys."""

from __future__ import annotations

from typing import Any

import pytest

from doorward.core.reason import Reason
from doorward.core.request import Vantage, address_key, inside, is_loopback, read_host
from kit import networks, pairs, view

TRUSTED = networks("10.0.0.0/8 2001:db8:ffff::/48")
X = Vantage(("http://localhost:8080",), TRUSTED)
FORWARDED = Vantage(("http://localhost:8080",), TRUSTED, "forwarded")


def client(vantage: Vantage, *fields: Any, peer: str = "10.0.0.1") -> tuple[str, str, Reason | None]:
    seen = view("GET", "/", *fields, vantage=vantage, peer=peer)
    return seen.via.client_ip, seen.via.scheme, seen.fault.reason if seen.fault else None


@pytest.mark.parametrize(
    ("value", "right"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("10.9.9.9, 203.0.113.9", "203.0.113.9"),
        ("1.1.1.1, 203.0.113.9, 10.0.0.7", "203.0.113.9"),
        ("10.0.0.5, 10.0.0.7", "10.0.0.5"),
        ("unknown, 203.0.113.9", "203.0.113.9"),
        ("203.0.113.9:4711", "203.0.113.9"),
        ("[2001:db8::1]:4711", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        (" , 203.0.113.9 ,", "203.0.113.9"),
    ],
)
def test_x_forwarded_for_is_walked_from_the_right_to_the_first_stranger(value: str, right: str) -> None:
    assert client(X, {"x-forwarded-for": value}) == (right, "http", None)


def test_several_lines_of_a_forwarding_field_are_one_list() -> None:
    lines = [("x-forwarded-for", "1.1.1.1"), ("x-forwarded-for", "203.0.113.9, 10.0.0.7")]
    assert client(X, lines)[0] == "203.0.113.9"
    lines = [("forwarded", "for=1.1.1.1"), ("forwarded", "for=203.0.113.9, for=10.0.0.7")]
    assert client(FORWARDED, lines)[0] == "203.0.113.9"


@pytest.mark.parametrize("value", ["unknown", "_hidden", "203.0.113.9, unknown", "not an address", "1.1.1.1.1"])
def test_a_nearest_hop_without_an_address_is_refused(value: str) -> None:
    assert client(X, {"x-forwarded-for": value})[2] is Reason.FORWARDING_BAD
    if "," not in value:
        assert client(FORWARDED, {"forwarded": f'for="{value}"'})[2] is Reason.FORWARDING_BAD


def test_nobodys_forwarding_fields_count_unless_he_is_trusted() -> None:
    fields = {"x-forwarded-for": "10.0.0.5", "forwarded": "for=10.0.0.5;proto=https", "x-forwarded-proto": "https"}
    for vantage in (X, FORWARDED, Vantage(("http://localhost:8080",))):
        assert client(vantage, fields, peer="203.0.113.9") == ("203.0.113.9", "http", None)


def test_exactly_one_field_is_read() -> None:
    fields = {"x-forwarded-for": "1.1.1.1", "forwarded": "for=2.2.2.2"}
    assert client(X, fields)[0] == "1.1.1.1"
    assert client(FORWARDED, fields)[0] == "2.2.2.2"


@pytest.mark.parametrize(
    ("value", "right"),
    [
        ("for=203.0.113.9", ("203.0.113.9", "http", None)),
        ('For="[2001:db8::1]:4711";Proto=https;by=_x', ("2001:db8::1", "https", None)),
        ('for="203.0.113.9:80" ; proto="HTTPS"', ("203.0.113.9", "https", None)),
        ('for=1.1.1.1;ext="a,b;c\\"d", for=203.0.113.9', ("203.0.113.9", "http", None)),
        ("for=203.0.113.9;proto=https, for=10.0.0.7;proto=http", ("203.0.113.9", "https", None)),
        ("for=1.1.1.1;proto=https, for=203.0.113.9", ("203.0.113.9", "http", None)),
        (" , for=203.0.113.9,", ("203.0.113.9", "http", None)),
        ("", ("10.0.0.1", "http", None)),
    ],
)
def test_forwarded_is_read_as_rfc_7239_says(value: str, right: tuple[str, str, Reason | None]) -> None:
    assert client(FORWARDED, {"forwarded": value}) == right


@pytest.mark.parametrize(
    "value",
    [
        # A client's open quote must not swallow what the proxy behind it adds.
        'for=10.0.0.5;x=", for="[2001:db8::9]"',
        'for="10.0.0.5, for=203.0.113.9',
        'for=10.0.0.5;x="\\", for="[2001:db8::9]"',
        "for=10.0.0.5;for=10.0.0.6",
        "proto=https",
        "for=203.0.113.9;proto=gopher",
        "for",
        "for=10.0.0.5 for=203.0.113.9",
        "=1",
    ],
)
def test_a_forwarded_field_that_can_be_read_in_two_ways_is_refused(value: str) -> None:
    address, _, fault = client(FORWARDED, {"forwarded": value})
    assert fault is Reason.FORWARDING_BAD
    assert address in ("10.0.0.1", "203.0.113.9")


@pytest.mark.parametrize(
    ("value", "right"),
    [("https", ("https", None)), ("HTTP", ("http", None)), ("https, https", ("https", None))]
    + [(bad, ("http", Reason.FORWARDING_BAD)) for bad in ("https, http", "gopher", "ws")],
)
def test_the_forwarded_scheme_is_http_or_https_and_one(value: str, right: tuple[str, Reason | None]) -> None:
    assert client(X, {"x-forwarded-proto": value})[1:] == right


@pytest.mark.parametrize(
    ("host", "scheme", "right"),
    [
        ("Shop.Example", "https", "shop.example"),
        ("shop.example:443", "https", "shop.example"),
        ("shop.example:443", "http", "shop.example:443"),
        ("shop.example:80", "http", "shop.example"),
        ("[::1]:8080", "http", "[::1]:8080"),
        ("a_b-c.example", "http", "a_b-c.example"),
        ("shop.example:80", "wss", "shop.example:80"),
    ]
    + [
        (bad, "http", "")
        for bad in (
            *(
                "",
                " ",
                "a b",
                "a@b",
                "a/b",
                "a.",
                ".a",
                "a..b",
                "a:",
                "a:x",
                "a:99999",
                "a:123456",
                "[::1",
                "[zz]",
                "[1:2]",
                "[]",
            ),
            *(
                "a,b",
                "a#b",
                "a?b",
                "a\\b",
                "-a",
                "a-",
                "ä",
                "a\n",
                "a:80\n",
                "[fe80::1%25eth0]",
                "[1.2.3.4]:",
                "user:pw@a",
            ),
        )
    ],
)
def test_a_host_is_read_in_one_way_or_not_at_all(host: str, scheme: str, right: str) -> None:
    assert read_host(host, scheme) == right


@pytest.mark.parametrize(
    ("origins", "local", "host", "right"),
    [
        ((), True, "localhost:8080", None),
        ((), True, "127.0.0.1", None),
        ((), True, "[::1]:1", None),
        ((), False, "localhost", Reason.HOST_FOREIGN),
        ((), True, "shop.example", Reason.HOST_FOREIGN),
        ((), True, "localhost.evil.example", Reason.HOST_FOREIGN),
        (("https://shop.example",), False, "SHOP.example", None),
        (("https://shop.example",), False, "shop.example:8443", Reason.HOST_FOREIGN),
        (("https://shop.example",), True, "localhost", Reason.HOST_FOREIGN),
        (("https://shop.example",), True, "shop.example.evil", Reason.HOST_FOREIGN),
    ],
)
def test_only_own_hosts_are_served(origins: tuple[str, ...], local: bool, host: str, right: Reason | None) -> None:
    seen = view("GET", "/", vantage=Vantage(origins), host=host, local=local)
    assert (seen.fault.reason if seen.fault else None) is right


def test_two_hosts_are_a_quarrel_even_when_equal() -> None:
    seen = view("GET", "/", {"host": "localhost:8080"})
    assert seen.fault is not None
    assert seen.fault.reason is Reason.HOST_BAD


@pytest.mark.parametrize(
    ("target", "path", "fault"),
    [
        ("http://localhost:8080/a?b", "/a", None),
        ("HTTP://LOCALHOST:8080", "/", None),
        ("http://localhost:8080?x", "/", None),
        ("http://evil.example/a", "/a", Reason.HOST_BAD),
        ("http://evil@localhost:8080/a", "/a", Reason.HOST_BAD),
        ("http://localhost:8080@evil/a", "/a", Reason.HOST_BAD),
        ("http:///a", "/a", Reason.HOST_BAD),
        ("http://localhost:8080/../a", "", Reason.PATH_AMBIGUOUS),
        ("ftp://localhost:8080/a", "", Reason.PATH_AMBIGUOUS),
        ("localhost:8080", "", Reason.PATH_AMBIGUOUS),
        ("*", "", Reason.PATH_AMBIGUOUS),
    ],
)
def test_the_absolute_form_must_agree_with_the_host(target: str, path: str, fault: Reason | None) -> None:
    seen = view("GET", target)
    assert (seen.path, seen.fault.reason if seen.fault else None) == (path, fault)


def test_the_asterisk_is_for_options_alone() -> None:
    assert view("OPTIONS", "*").fault is None


def test_a_long_target_is_read_like_a_short_one() -> None:
    assert view("GET", "/a/" + "b" * 5000).target.segments == ("a", "b" * 5000)
    assert view("GET", "/a/../" + "b" * 5000).fault is not None


def test_the_first_fault_is_kept() -> None:
    from doorward.core.request import Fault

    seen = view("GET", "//", {"host": "x"}, fault=Fault(Reason.FRAMING_BAD, "x"))
    assert seen.fault is not None
    assert seen.fault.reason is Reason.FRAMING_BAD


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unix:", "?"),
        ("", "?"),
    ],
)
def test_limits_by_address_count_v4_whole_and_v6_by_its_first_half(text: str, right: str) -> None:
    assert address_key(text) == right
    assert view(peer=text or "?").via.address_key == right


def test_what_is_no_address_lies_in_no_network() -> None:
    assert not inside("unix:", networks("0.0.0.0/0 ::/0"))
    assert inside("::ffff:10.0.0.1", networks("10.0.0.0/8"))
    assert is_loopback("127.8.8.8")
    assert is_loopback("::1")
    assert not is_loopback("")
    assert not is_loopback("localhost")


def test_the_origin_is_the_one_the_client_used() -> None:
    assert view().origin == "http://localhost:8080"
    assert pairs({"A": "b"}) == [("a", "b")]
