"""What would make a refusal succeed, tried out: the cure is applied and the request decided again, until it passes.

    for way in ways(policy, Attempt(view, who), verdict, answers): print(way.text)

Rule: a way that is not marked `checked` was not seen to work. Source: architecture.md 2.2, first-minute.md 4.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from doorward.core.ask import Answers, FindRelation
from doorward.core.cure import Act, Cure
from doorward.core.errors import ConfigError
from doorward.core.policy import Policy
from doorward.core.principal import Principal
from doorward.core.reason import Reason
from doorward.core.request import Headers, RequestView, Via
from doorward.core.verdict import Allow, Refusal
from doorward.guard.needs import moment
from doorward.guard.rehearse import Presented, rehearse

_MOST = 8
_DELEGATED = frozenset({"bearer", "apikey"})
SOMEBODY = "somebody"
"""Subject of the person that a caller without credentials is taken for."""
_SESSIONS = frozenset({Reason.SESSION_EXPIRED, Reason.SESSION_REVOKED})
_PROOFS = frozenset({"x-csrf-token", "origin", "sec-fetch-site"})


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try. who: as in `rehearse`; grants: (permission, object) that the caller is taken to hold."""

    view: RequestView
    who: Principal | Presented | None = None
    grants: frozenset[tuple[str, str]] = field(default_factory=frozenset)

    @property
    def person(self) -> Principal | None:
        """The identity, if there is one."""
        return self.who if isinstance(self.who, Principal) and not self.who.anonymous else None

    @property
    def label(self) -> str:
        """How the caller is called in a sentence."""
        return self.person.label if self.person else "the caller"


@dataclass(frozen=True, slots=True)
class Way:
    """One way to pass. text: continues "would pass if"; checked: decided again, and let through; still: what refuses
    after all of it, None when nothing does or it was not tried.
    """

    text: str
    checked: bool = False
    still: Refusal | None = None


def ways(policy: Policy, attempt: Attempt, verdict: Refusal, answers: Answers) -> tuple[Way, ...]:
    """Every way to pass that the cure names, the owner before the role; empty when nothing helps."""
    cure = verdict.cure
    mend = for_operators(verdict.reason, attempt.view.method)
    if cure.act is Act.NONE:
        return mend
    return mend + tuple(_try(policy, attempt, verdict, option, answers) for option in _options(cure))


def untried(cure: Cure, label: str, reason: Reason, method: str) -> tuple[Way, ...]:
    """The same from a recorded cure alone. label: how the caller is called; reason: the truth."""
    mend = for_operators(reason, method)
    if cure.act is Act.NONE:
        return mend
    return mend + tuple(Way(words(option, label, reason)) for option in _options(cure))


def _options(cure: Cure) -> tuple[Cure, ...]:
    if cure.act is Act.BE_OWNER and cure.roles:
        return replace(cure, roles=()), replace(cure, act=Act.GAIN_ROLE)
    return (cure,)


def _try(policy: Policy, attempt: Attempt, verdict: Refusal, cure: Cure, answers: Answers) -> Way:
    """Apply cure after cure until the request passes, nothing helps, or the same is asked twice."""
    said: list[str] = []
    acts: set[Act] = set()
    for _ in range(_MOST):
        said.append(words(cure, attempt.label, verdict.reason))
        acts.add(cure.act)
        after = apply(policy, cure, attempt, verdict)
        if after is None:
            return Way(", and ".join(said))
        attempt = after
        try:
            again, _trace = rehearse(policy, attempt.view, attempt.who, _granted(answers, attempt))
        except ConfigError:  # an answer that only a running server has
            return Way(", and ".join(said))
        if isinstance(again, Allow):
            return Way(", and ".join(said), checked=True)
        verdict, cure = again, again.cure
        if cure.act in acts or cure.act is Act.NONE:
            break
    return Way(", and ".join(said), still=verdict)


def _granted(answers: Answers, attempt: Attempt) -> Answers:
    if not attempt.grants:
        return answers
    found: Callable[[Any], Any] = answers[FindRelation]
    return {**answers, FindRelation: lambda q: (q.permission, q.object) in attempt.grants or found(q)}


def apply(policy: Policy, cure: Cure, attempt: Attempt, verdict: Refusal) -> Attempt | None:
    """The attempt after its cure; None where nothing can be tried."""
    view = attempt.view
    match cure.act:
        case Act.AUTHENTICATE | Act.RENEW:
            return replace(attempt, who=_logged_in(cure, attempt))
        case Act.PROVE_ORIGIN:
            kept = tuple(pair for pair in view.headers.pairs if pair[0] not in _PROOFS)
            return replace(attempt, view=replace(view, headers=Headers((*kept, ("origin", view.origin)))))
        case Act.COME_FROM if cure.networks:
            address = str(ipaddress.ip_network(cure.networks[0])[0])
            # Whoever comes from elsewhere comes by https: that it is missing was not the question.
            return replace(attempt, view=_via(view, client=address, scheme="https"))
        case Act.COME_BACK if cure.opens is not None:
            return replace(attempt, view=replace(view, at=cure.opens))
        case Act.WAIT:
            return replace(attempt, view=replace(view, at=view.at + cure.seconds))
        case Act.RETRY:
            return None  # what is down now would be down again
        case Act.RESEND if verdict.reason is Reason.TLS_REQUIRED:
            return replace(attempt, view=_via(view, scheme="https"))
        case Act.GAIN_GRANT:
            return replace(attempt, grants=attempt.grants | {(cure.permission, cure.object)})
        case _:
            return _changed(policy, cure, attempt, verdict)


def _logged_in(cure: Cure, attempt: Attempt) -> Principal:
    known = attempt.who.rejected.subject if isinstance(attempt.who, Presented) else ""
    kind = attempt.who.kind if isinstance(attempt.who, Presented) else ""
    if kind not in cure.schemes:
        kind = "session" if "session" in cure.schemes or not cure.schemes else cure.schemes[0]
    scopes = frozenset[str]() if kind in _DELEGATED else None
    return Principal(
        known or SOMEBODY, name=known or "the caller", scheme=kind, scopes=scopes, auth_time=attempt.view.at
    )


def _changed(policy: Policy, cure: Cure, attempt: Attempt, verdict: Refusal) -> Attempt | None:
    """The same request of a person who has more."""
    who = attempt.person
    if who is None:
        return None
    match cure.act:
        case Act.STEP_UP:
            return replace(attempt, who=replace(who, auth_time=attempt.view.at))
        case Act.WIDEN_SCOPE:
            return replace(attempt, who=replace(who, scopes=(who.scopes or frozenset()) | set(cure.scopes)))
        case Act.GAIN_ROLE:
            return replace(attempt, who=replace(who, roles=who.roles | policy.expand(frozenset(cure.roles[:1]))))
        case Act.BE_OWNER:
            return replace(attempt, who=_owner(policy, cure, who, verdict))
        case _:
            return None


def _owner(policy: Policy, cure: Cure, who: Principal, verdict: Refusal) -> Principal:
    rule = policy.rule(verdict.rule)
    if rule is not None and rule.owner is not None and rule.owner.attribute:
        return replace(who, attributes={**who.attributes, rule.owner.attribute: cure.owner})
    return replace(who, subject=cure.owner)


def _via(view: RequestView, *, client: str = "", scheme: str = "") -> RequestView:
    via = view.via
    return replace(view, via=Via(client or via.peer, client or via.client_ip, scheme or via.scheme, via.local_listener))


def words(cure: Cure, label: str, reason: Reason) -> str:
    """A cure as the end of a sentence that begins with "would pass if"."""
    match cure.act:
        case Act.AUTHENTICATE:
            kinds = f" ({' or '.join(cure.schemes)})" if cure.schemes else ""
            return f"valid credentials were sent{kinds}"
        case Act.RENEW:
            return "the caller logged in again" if reason in _SESSIONS else "the token were renewed"
        case Act.STEP_UP:
            return f"{label} had logged in within the last {cure.max_age} s"
        case Act.WIDEN_SCOPE:
            return f"the credential had scope {' and '.join(cure.scopes)}"
        case Act.GAIN_ROLE:
            return f"{label} had role {' or '.join(cure.roles)}"
        case Act.GAIN_GRANT:
            return f"{label} held {cure.permission} on {cure.object}"
        case Act.BE_OWNER:
            return f"the caller were {cure.owner or 'the owner'}"
        case Act.RESEND if reason is Reason.TLS_REQUIRED:
            return "it came by https"
        case _:
            return _circumstances(cure)


def _circumstances(cure: Cure) -> str:
    match cure.act:
        case Act.PROVE_ORIGIN:
            return "the request proved that it comes from a page of ours (Origin, Sec-Fetch-Site or X-CSRF-Token)"
        case Act.COME_FROM:
            return f"it came from {' or '.join(cure.networks)}"
        case Act.COME_BACK:
            return f"it came at {moment(cure.opens)} or later" if cure.opens is not None else "the rule ever opened"
        case Act.WAIT:
            return f"{cure.seconds} s had passed"
        case Act.RETRY:
            return f"{cure.note or 'what was asked'} answered again"
        case _:
            return f"it were sent without this fault: {cure.note}" if cure.note else "it were sent without this fault"


def for_operators(reason: Reason, method: str) -> tuple[Way, ...]:
    """What the operator would change, where that is what it takes. Not tried: the policy would be another."""
    told = {
        Reason.PATH_UNNAMED: 'a rule named this path (default = "deny")',
        Reason.METHOD_UNCLAIMED: f"a rule took {method} on this path",
        Reason.SENSITIVE_FILE: "a rule named this very path, or [gates] sensitive_files were false",
        Reason.ACCOUNT_DISABLED: "the account were enabled (doorward user enable)",
        Reason.TOKEN_SUBJECT: "the account were enabled (doorward user enable)",
    }.get(reason)
    return (Way(told),) if told else ()
