"""The smallest face: a raw request becomes a view, a verdict becomes an answer with status and challenges, no more.

Rule: nothing here decides; what needs a body, a page or a socket is judged on the real faces.
"""

from __future__ import annotations

import json

from conformance.probes_cast import PERSONAS, REVOKED_JTI, Cast, Raw, jwks
from conformance.probes_table import Answer
from doorward.core.ask import Account, ApiKey, Session, run
from doorward.core.authenticate import rejected
from doorward.core.decide import PREFLIGHT
from doorward.core.policy import Policy, Rule
from doorward.core.principal import Principal
from doorward.core.reason import Reason
from doorward.core.request import Fault, Headers, RequestView, Via, observe
from doorward.core.verdict import Allow, Challenge, Deny, Malformed, Throttle, Verdict, status
from doorward.schemes.basic import check_password
from doorward.schemes.keys import load_keys
from kit import HOST, NOW, ORIGIN, World, judge


def make_cast(kind: str, alg: str = "HS256") -> Cast:
    """The cast of a run in memory."""
    return Cast(
        kind,
        NOW,
        ORIGIN,
        sessions={name: f"session-of-{name}" for name in PERSONAS},
        keys={name: f"key-of-{name}" for name in PERSONAS},
        csrf={name: f"csrf-of-{name}" for name in PERSONAS},
        alg=alg,
    )


def make_world(cast: Cast) -> World:
    """The world of the personas, with what the cast presents."""
    world = World(revoked={REVOKED_JTI}, signing={"idp": load_keys(jwks(cast.alg))})
    for name, one in PERSONAS.items():
        world.accounts.append(Account(one.subject, name, frozenset(one.roles), one.disabled))
        world.passwords[name] = one.password
        world.sessions[cast.sessions[name]] = Session(name, one.subject, NOW, NOW, NOW)
        world.keys[cast.keys[name]] = ApiKey(name, one.subject, frozenset(one.scopes))
        world.tokens[name] = cast.csrf[name]
    return world


def to_view(policy: Policy, raw: Raw, *, peer: str = "127.0.0.1") -> RequestView:
    """The view of a raw request; a head over the listener's limit is a fault, as the edge says."""
    size = sum(len(name) + len(value) + 4 for name, value in raw.headers)
    huge = size > policy.settings.server.max_head
    fields = [("host", HOST), *((name.lower(), value.strip(" \t")) for name, value in raw.headers)]
    return observe(
        policy.settings.vantage,
        method=raw.method,
        target=raw.target,
        headers=Headers(fields),
        via=Via(peer, peer, "http", local_listener=True),
        at=NOW,
        body=bool(raw.body),
        fault=Fault(Reason.HEAD_TOO_LARGE, "the header block is too large") if huge else None,
    )


def send(policy: Policy, world: World, cast: Cast, raw: Raw) -> Answer:
    """Answer one raw request."""
    if raw.target == cast.login_path and raw.method == "POST":
        return _login(policy, world, raw)
    request = to_view(policy, raw)
    return answer(policy, request, judge(policy, request, world))


def answer(policy: Policy, request: RequestView, verdict: Verdict) -> Answer:
    """Status and challenges of a verdict; the application says 200 to whatever it gets."""
    if isinstance(verdict, Allow):
        own = verdict.rule == PREFLIGHT and policy.settings.cors.origins
        return Answer(204 if own else 200)
    page = isinstance(verdict, Challenge) and verdict.login and _navigation(request)
    if page and request.method in ("GET", "HEAD"):
        return Answer(303, (("Location", policy.settings.login_page),))
    lines = verdict.challenges if isinstance(verdict, Challenge | Deny | Malformed) else ()
    code = status(verdict)
    assert code is not None
    return Answer(code, tuple(("WWW-Authenticate", challenge.line) for challenge in lines))


def _navigation(request: RequestView) -> bool:
    return "text/html" in request.headers.get("accept")


def _login(policy: Policy, world: World, raw: Raw) -> Answer:
    """Our own login, as far as the core goes: one password check, and what its rejection says."""
    fields = json.loads(raw.body)
    request = to_view(policy, raw)
    steps = check_password(policy, request, fields["username"], fields["password"], "session")
    proof = run(steps, world.answers)
    if isinstance(proof, Principal):
        return Answer(303)
    verdict = proof if isinstance(proof, Throttle) else rejected(policy, Rule("(login)"), "session", proof)
    return answer(policy, request, verdict)
