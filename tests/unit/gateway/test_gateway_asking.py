"""What a proxy asks is read in one way or refused, and nothing its client says can change who or what is meant."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.core.reason import Reason
from doorward.core.request import Headers, RequestView, Vantage, Via
from doorward.gateway.asking import peers_of, read_question
from kit import HOST, NOW, policy

ASKED = [("host", HOST), ("x-forwarded-method", "GET"), ("x-forwarded-uri", "/a?b=%20")]


def question(*fields: tuple[str, str], vantage: Vantage | None = None, peer: str = "127.0.0.1") -> RequestView:
    return read_question(vantage or Vantage(), Headers([*ASKED, *fields]), Via(peer, peer, "http", True), NOW)


def test_method_target_and_host_are_the_client_s() -> None:
    found = question(("x-forwarded-host", "localhost:9"), ("accept", "*/*"))
    assert (found.method, found.target.raw, found.path, found.host) == ("GET", "/a?b=%20", "/a", "localhost:9")
    assert found.fault is None
    assert "x-forwarded-uri" not in found.headers
    assert found.headers.get("accept") == "*/*"


@pytest.mark.parametrize(
    ("chain", "client"),
    [
        ([], "127.0.0.1"),
        (["192.0.2.7"], "192.0.2.7"),
        (["10.0.0.1, 192.0.2.7"], "192.0.2.7"),
        (["10.0.0.1", "192.0.2.7"], "192.0.2.7"),
        (["192.0.2.7, 127.0.0.1"], "127.0.0.1"),
        (["192.0.2.7, ::1"], "::1"),
        (["nonsense, 192.0.2.7"], "192.0.2.7"),
    ],
)
def test_the_client_is_whom_the_proxy_saw_one_hop_away(chain: list[str], client: str) -> None:
    found = question(*(("x-forwarded-for", value) for value in chain))
    assert (found.via.client_ip, found.fault) == (client, None)


def test_further_hops_count_where_the_policy_trusts_them() -> None:
    vantage = Vantage(trusted=(ipaddress.ip_network("10.0.0.0/8"),))
    found = question(("x-forwarded-for", "6.6.6.6, 192.0.2.7, 10.0.0.9"), vantage=vantage)
    assert (found.via.peer, found.via.client_ip) == ("10.0.0.9", "192.0.2.7")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ([("x-forwarded-for", "nonsense")], Reason.FORWARDING_BAD),
        ([("x-forwarded-for", "")], Reason.FORWARDING_BAD),
        ([("x-forwarded-for", "192.0.2.7,")], Reason.FORWARDING_BAD),
        ([("x-forwarded-proto", "gopher")], Reason.FORWARDING_BAD),
        ([("x-forwarded-proto", "http"), ("x-forwarded-proto", "https")], Reason.FORWARDING_BAD),
        ([("x-forwarded-method", "GET")], Reason.ORIGINAL_TARGET_MISSING),
        ([("x-forwarded-uri", "/")], Reason.ORIGINAL_TARGET_MISSING),
        ([("authorization", "Bearer a, Bearer b")], Reason.CREDENTIALS_AMBIGUOUS),
        ([("authorization", "basic YTpi,c")], Reason.CREDENTIALS_AMBIGUOUS),
        ([("authorization", "DPoP a,b")], Reason.CREDENTIALS_AMBIGUOUS),
        ([("x-forwarded-host", "evil.test")], Reason.HOST_FOREIGN),
        ([("x-forwarded-host", "a b")], Reason.HOST_BAD),
    ],
    ids=str,
)
def test_what_has_two_readings_is_refused(fields: list[tuple[str, str]], reason: Reason) -> None:
    fault = question(*fields).fault
    assert fault is not None
    assert fault.reason is reason


def test_a_digest_has_commas_of_its_own() -> None:
    assert question(("authorization", 'Digest username="a", realm="b"')).fault is None


@pytest.mark.parametrize(
    ("proto", "scheme", "upgrade"),
    [("http", "http", False), ("https", "https", False), ("ws", "http", True), ("WSS", "https", True)],
)
def test_the_scheme_is_the_client_s_and_a_socket_is_a_handshake(proto: str, scheme: str, upgrade: bool) -> None:
    found = question(("x-forwarded-proto", proto))
    assert (found.via.scheme, found.upgrade, found.fault) == (scheme, upgrade, None)
    assert question(("sec-websocket-key", "x")).upgrade


def test_who_may_ask_is_this_machine_unless_the_policy_says_otherwise() -> None:
    assert [str(each) for each in peers_of(policy())] == ["127.0.0.0/8", "::1/128"]
    own = (ipaddress.ip_network("10.0.0.0/8"),)
    assert peers_of(policy(control_peers=own)) == own


_names = st.sampled_from(["x-forwarded-method", "x-forwarded-uri", "x-forwarded-for", "x-forwarded-proto", "host", "x"])


@given(st.lists(st.tuples(_names, st.text(st.characters(max_codepoint=255), max_size=12)), max_size=8))
def test_whatever_is_asked_there_is_one_reading_or_a_fault(fields: list[tuple[str, str]]) -> None:
    headers = Headers(fields)
    found = read_question(Vantage(), headers, Via("127.0.0.1", "127.0.0.1", "http", True), NOW)
    said = [headers.all(name) for name in ("x-forwarded-method", "x-forwarded-uri")]
    assert found.fault is not None or [len(values) for values in said] == [1, 1]
