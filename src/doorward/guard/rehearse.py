"""Decide a request that nobody sent, as somebody who did not log in: for `policy test` and `explain --as`.

    verdict, trace = rehearse(policy, view, Principal("12", name="olga", roles=frozenset({"editor"})), answers)

The identity is planted where the cache would know it. Rule: a rehearsal leaves no trace: no slot of a limit is taken,
no login counted, no session and no key marked as used, nothing remembered, nothing recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, replace
from typing import Any

from doorward.core.ask import (
    AdmitLogin,
    Answers,
    ClearLogin,
    FindApiKey,
    FindSession,
    Later,
    LedgerReady,
    Recall,
    Rejected,
    Remember,
    Steps,
    TakeSlot,
    advance,
    arun,
)
from doorward.core.authenticate import accepted
from doorward.core.decide import decide
from doorward.core.errors import ConfigError
from doorward.core.policy import Policy
from doorward.core.principal import Principal
from doorward.core.request import Headers, RequestView
from doorward.core.trace import Trace
from doorward.core.verdict import Verdict

PLANTED = "cmVoZWFyc2Fs"
"""The credential of a rehearsal: base64 of a word, so that every carrier takes it."""
_PROOF_FIELDS = ("sec-fetch-site", "origin", "x-csrf-token", "referer")


@dataclass(frozen=True, slots=True)
class Presented:
    """Credentials that were looked at and refused. kind: of the credential."""

    kind: str
    rejected: Rejected


def rehearse(
    policy: Policy, view: RequestView, who: Principal | Presented | None, answers: Answers
) -> tuple[Verdict, Trace]:
    """Decide without waiting.

    policy: composed; who: None leaves the request as it is, which is anonymous unless it carries a token or password
    (sessions and keys are not looked up: that would mark them as used); a principal without a scheme is somebody who
    has just logged in by session, or by what the rule takes instead, limited by scopes only where it has some;
    answers: the guard's, for relations, keys and revocations.
    Returns: the verdict and its trace. Raises ConfigError when an answer would have to be waited for.
    """
    trace = Trace()
    outcome = advance(_steps(policy, view, who, trace), quiet(answers, who))
    if isinstance(outcome, Later):
        if isinstance(outcome.awaitable, Coroutine):
            outcome.awaitable.close()  # nobody will wait for it, and Python would say so
        raise ConfigError("an answer of this rehearsal has to be waited for.")
    return outcome, trace


async def arehearse(
    policy: Policy, view: RequestView, who: Principal | Presented | None, answers: Answers
) -> tuple[Verdict, Trace]:
    """`rehearse`, waiting where an answer has to be waited for: keys that are fetched."""
    trace = Trace()
    return await arun(_steps(policy, view, who, trace), quiet(answers, who)), trace


def _steps(policy: Policy, view: RequestView, who: Principal | Presented | None, trace: Trace) -> Steps[Verdict]:
    request = view if who is None else present(policy, view, kind_for(policy, view, who))
    return decide(policy, request, trace)


def kind_for(policy: Policy, view: RequestView, who: Principal | Presented) -> str:
    """The kind of credential by which somebody comes: his own, else a session, else what the rule takes first."""
    named = who.kind if isinstance(who, Presented) else who.scheme
    if named:
        return named
    rule = policy.match(view.method, view.target.segments)
    kinds = [scheme.kind for scheme in accepted(policy, rule) or policy.schemes]
    return "session" if "session" in kinds or not kinds else kinds[0]


def present(policy: Policy, view: RequestView, kind: str) -> RequestView:
    """The request with the planted credential instead of its own. A session comes from a page of ours, unless the
    request says otherwise.
    """
    settings = policy.settings.credentials
    cookie = (("cookie", f"{settings.session.cookie}={PLANTED}"),)
    carriers: Mapping[str, tuple[tuple[str, str], ...]] = {
        "bearer": (("authorization", f"Bearer {PLANTED}"),),
        "basic": (("authorization", f"Basic {PLANTED}"),),
        "apikey": ((settings.key_header, PLANTED),),
        "session": cookie,
    }
    dropped = {"authorization", "cookie", settings.key_header}
    kept = tuple(pair for pair in view.headers.pairs if pair[0] not in dropped)
    added = carriers[kind]
    if kind == "session" and not any(name in view.headers for name in _PROOF_FIELDS):
        added += (("sec-fetch-site", "same-origin"),) if not view.upgrade else (("origin", view.origin),)
    return replace(view, headers=Headers((*kept, *added)))


def quiet(answers: Answers, who: Principal | Presented | None) -> Answers:
    """The answers without their traces, the identity planted."""

    def recall(question: Recall) -> Any:
        if who is None or question.credential.secret != PLANTED:
            return None
        if isinstance(who, Presented):
            return who.rejected
        kind = question.credential.kind
        fresh = who.auth_time if who.scheme or who.auth_time is not None else question.at
        return replace(who, scheme=who.scheme or kind, auth_time=fresh)

    table: dict[type, Callable[[Any], Any]] = {
        **answers,
        Recall: recall,
        Remember: _nothing,
        FindSession: _nothing,
        FindApiKey: _nothing,
        TakeSlot: _room,
        AdmitLogin: _room,
        ClearLogin: _nothing,
        LedgerReady: _nothing,
    }
    return table


def _nothing(_question: object) -> None:
    return None


def _room(_question: object) -> int:
    return 0
