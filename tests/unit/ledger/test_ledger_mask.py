"""Addresses as they may be kept (answers.md G1-G3; articles.md A2-32)."""

from __future__ import annotations

import ipaddress
import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.ledger.mask import DAY, anonymised, keyed, read

KEYS = {0: b"a" * 32, 1: b"b" * 32}


def cut(text: str) -> str:
    return anonymised(text, "truncate", KEYS.__getitem__, 0)


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1234:5678::1", "2001:db8:1234::/48"),
        ("::ffff:203.0.113.77", "203.0.113.0/24"),
        ("64:ff9b::203.0.113.77", "203.0.113.0/24"),
        ("2002:cb00:714d::1", "203.0.113.0/24"),
        ("fe80::1%eth0", "fe80::/48"),
        ("[2001:db8::1]:4711", "2001:db8::/48"),
        ("203.0.113.77:8080", "203.0.113.0/24"),
        (" 203.0.113.77 ", "203.0.113.0/24"),
        ("unix:", ""),
        ("", ""),
        ("_hidden", ""),
    ],
)
def test_addresses_are_cut_to_24_and_48_bits(address: str, kept: str) -> None:
    """A2-32: 403 from 203.0.113.77 -> 203.0.113.0/24."""
    assert cut(address) == kept


@given(st.ip_addresses())
def test_no_cut_address_tells_the_whole_one(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    kept = ipaddress.ip_network(cut(str(address)))
    assert kept.prefixlen == (24 if kept.version == 4 else 48)
    whole = read(str(address))
    assert whole is not None
    assert whole in kept


def test_an_address_may_be_kept_whole_or_not_at_all() -> None:
    assert anonymised("::ffff:192.0.2.1", "full", KEYS.__getitem__, 0) == "192.0.2.1"
    assert anonymised("192.0.2.1", "none", KEYS.__getitem__, 0) == ""


def test_a_pseudonym_is_the_same_all_day_and_another_the_next() -> None:
    """A2-32: by hmac 16+ hex digits, other next day."""

    def at(seconds: float, address: str = "203.0.113.77") -> str:
        return anonymised(address, "hmac", KEYS.__getitem__, seconds)

    assert at(0) == at(DAY - 1)
    assert at(0) != at(DAY)
    assert at(0) != at(0, "203.0.113.78")
    assert at(0) == at(0, "::ffff:203.0.113.77")
    assert len(at(0)) >= 16
    assert int(at(0), 16)


def test_a_pseudonym_needs_a_secret_of_256_bits() -> None:
    address = ipaddress.ip_address("192.0.2.1")
    with pytest.raises(ValueError, match="32 bytes"):
        keyed(address, b"short")
    assert keyed(address, secrets.token_bytes(32)) != keyed(address, secrets.token_bytes(32))
