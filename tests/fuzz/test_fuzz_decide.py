"""Invariant: whatever bytes arrive, `decide()` gives one of seven verdicts and never raises."""

from __future__ import annotations

from typing import Any, get_args

from hypothesis import given
from hypothesis import strategies as st

from doorward.core.reason import CODES
from doorward.core.request import Headers, Vantage, Via, observe
from doorward.core.verdict import Allow, Challenge, Refusal, Verdict, status
from kit import HOST, World, account, acl, gate, hours, judge, limit, networks, policy, rule

LATIN = st.text(st.characters(max_codepoint=255), max_size=40)
FIELD = st.sampled_from(
    [
        *("host", "authorization", "cookie", "x-api-key", "origin", "sec-fetch-site", "x-csrf-token", "referer"),
        *("forwarded", "x-forwarded-for", "x-forwarded-proto", "early-data", "access-control-request-method"),
        "content-type",
    ]
)
PIECES = st.sampled_from(
    [
        *("Bearer ", "Basic ", "basic", "YTpi", "a.b.c", ",", ";", "=", '"', "\\", "%2e", "..", "/", "for=", "proto="),
        *(
            "https",
            "__Host-doorward",
            "s-alice",
            "localhost",
            "[::1]",
            ":",
            "8080",
            "127.0.0.1",
            "\xff",
            "\x00",
            " ",
            "\t",
        ),
        *("same-origin", "null", "http://", "eyJhbGciOiJIUzI1NiJ9.e30.AAAA", "@", "?", "#", "*"),
    ]
)
VALUE = LATIN | st.lists(PIECES, max_size=8).map("".join)
HEADERS = st.lists(st.tuples(FIELD | LATIN.map(str.lower), VALUE), max_size=8)
TARGET = VALUE | st.sampled_from(["/", "*", "/doc/1", "/hidden", "/u/1", "http://localhost/", "/.env", "/.doorward/x"])
METHOD = st.sampled_from(["GET", "HEAD", "POST", "OPTIONS", "DELETE", "TRACE", "CONNECT"]) | LATIN
ADDRESS = st.sampled_from(["127.0.0.1", "::1", "10.1.2.3", "::ffff:10.0.0.1", "unix:", "", "?", "fe80::1%eth0"])

RULES = policy(
    rule("/", access="public"),
    rule("/doc/{id}", acl=acl("doc:{id}"), hide="unless-readable"),
    rule("/hidden", roles="admin", hide=True, limits=limit(by="principal account")),
    rule(
        "/u/{id}",
        json=True,
        owner="{id}",
        when=hours(),
        from_="10.0.0.0/8",
        max_age=9,
        scopes="a",
        limits=limit(by="ip+account"),
    ),
    gates=[gate(block="10.9.0.0/16", limits=(limit(by="ip route"),))],
    default="authenticated",
    vantage=Vantage(trusted=networks("127.0.0.0/8 10.0.0.0/8")),
    tls_require=False,
)
FORWARDED = policy(
    *RULES.rules,
    vantage=Vantage(("http://localhost:8080",), networks("127.0.0.0/8 ::1/128"), "forwarded"),
    tls_require=False,
)


@given(
    rules=st.sampled_from([RULES, FORWARDED]),
    method=METHOD,
    target=TARGET,
    fields=HEADERS,
    peer=ADDRESS,
    scheme=st.sampled_from(["http", "https", "ws"]),
    flags=st.tuples(st.booleans(), st.booleans(), st.booleans()),
    good_host=st.booleans(),
)
def test_whatever_arrives_is_answered_by_one_of_seven_verdicts(
    *, rules: Any, method: str, target: str, fields: Any, peer: str, scheme: str, flags: Any, good_host: bool
) -> None:
    local, body, upgrade = flags
    request = observe(
        rules.settings.vantage,
        method=method,
        target=target,
        headers=Headers([("host", HOST), *fields] if good_host else fields),
        via=Via(peer, peer, scheme, local),
        at=1_764_000_000.0,
        body=body,
        upgrade=upgrade,
    )
    world = World(signing={"idp": Nothing()}).with_accounts(account("alice", roles="admin"))
    verdict = judge(rules, request, world)
    assert isinstance(verdict, get_args(Verdict))
    assert repr(request.headers) == f"Headers({', '.join(name for name, _ in request.headers.pairs)})"
    if isinstance(verdict, get_args(Refusal)):
        assert status(verdict) in {400, 401, 403, 404, 405, 415, 421, 425, 429, 503}
        assert verdict.reason in CODES
        assert verdict.cure.act
    if isinstance(verdict, Challenge):
        assert all(line.line.isascii() and line.line.isprintable() for line in verdict.challenges)
    if isinstance(verdict, Allow) and verdict.rule not in ("/", "(own)", "(preflight)"):
        assert not verdict.principal.anonymous


class Nothing:
    """An issuer without keys."""

    def find(self, kid: str | None, alg: str) -> tuple[()]:
        return ()
