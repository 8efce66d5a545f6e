"""Who are you? Finds the one credential that counts, has it proven, and says what is missing.

Rule: how a credential is proven is a `Scheme`, a pair of functions handed in; nothing here knows a token format.
Source: answers.md rows 1-7 and 25, H12, H21, D2, D9; policy.md section 3, 7 and 13.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from doorward.core.ask import Recall, Rejected, Remember, Steps, ask
from doorward.core.challenge import AuthChallenge, Credential, Flaw, is_b64token, printable, split_authorization
from doorward.core.cure import NOTHING_HELPS, Act, Cure
from doorward.core.errors import DependencyError
from doorward.core.policy import Policy, Rule
from doorward.core.principal import ANONYMOUS, Principal
from doorward.core.reason import Reason
from doorward.core.request import RequestView
from doorward.core.values import value
from doorward.core.verdict import Challenge, Deny, Malformed, Throttle, malformed

if TYPE_CHECKING:
    from doorward.core.trace import Trace

Proof = Principal | Rejected | Throttle
IGNORED = "ignored_bad_credentials"
_MOST = 4096


@value
class Hint:
    """What a challenge should say. reason: why these credentials failed, None when none were presented to the scheme;
    scopes: all the operation needs; max_age: seconds of a step-up.
    """

    reason: Reason | None = None
    scopes: tuple[str, ...] = ()
    max_age: int | None = None


NO_HINT = Hint()


@value
class Scheme:
    """A way of presenting a credential. word: auth-scheme in lower case, "" when the carrier is no Authorization field;
    prove: credential -> identity, asking questions; challenge: policy, realm, hint -> what to send in a 401.
    """

    kind: str
    word: str
    prove: Callable[[Policy, RequestView, Credential], Steps[Proof]]
    challenge: Callable[[Policy, str, Hint], AuthChallenge]


def authenticate(
    policy: Policy, rule: Rule, request: RequestView, trace: Trace
) -> Steps[Principal | Challenge | Malformed | Throttle | Deny]:
    """Settle who asks. Returns ANONYMOUS only for a public rule."""
    found = find_credential(policy, request)
    if isinstance(found, Credential):
        trace.kind = found.kind
        if rule.schemes is not None and found.kind not in rule.schemes:
            found = None  # policy.md 2.3: other kinds count as missing
    lenient = rule.public and policy.settings.answers.bad_credentials_on_public == "anonymous"
    if isinstance(found, Flaw):
        # Two explicit credentials are no bad credential but a quarrel: 400 even on a public rule (H21).
        if lenient and found is not TWO_CARRIERS:
            return _ignored(trace)
        return _flawed(policy, rule, found)
    if found is None:
        return ANONYMOUS if rule.public else missing(policy, rule, request)
    proof = yield from _proof(policy, request, found, trace)
    if isinstance(proof, Principal):
        if rule.issuers is None or proof.issuer in rule.issuers:
            return proof
        proof = Rejected(Reason.TOKEN_ISSUER, "this issuer is not taken here")
    if lenient:
        return _ignored(trace)
    return proof if isinstance(proof, Throttle) else rejected(policy, rule, found.kind, proof)


def _ignored(trace: Trace) -> Principal:
    trace.notes = (*trace.notes, IGNORED)
    return ANONYMOUS


TWO_CARRIERS = Flaw("two credentials were presented; send one")
TWO_COOKIES = Flaw("the session cookie stands twice")
UNPARSABLE = Flaw("the Authorization value cannot be read")


def doubled(policy: Policy, request: RequestView) -> Malformed | None:
    """Two Authorization fields: 400 everywhere, on public routes too (answers.md H21)."""
    if not request.headers.doubled("authorization"):
        return None
    lines = tuple(
        scheme.challenge(policy, printable(policy.realm), Hint(Reason.CREDENTIALS_AMBIGUOUS))
        for scheme in policy.schemes
        if scheme.kind == "bearer"
    )
    return malformed(Reason.CREDENTIALS_AMBIGUOUS, "the Authorization field stands twice", lines)


def find_credential(policy: Policy, request: RequestView) -> Credential | Flaw | None:
    """The credential that counts, unverified. Explicit beats ambient; nothing falls back, nothing is merged."""
    headers = request.headers
    explicit: Credential | Flaw | None = None
    ambient: Credential | Flaw | None = None
    settings = policy.settings.credentials
    for scheme in policy.schemes:
        if scheme.word:
            if "authorization" not in headers:
                continue
            found = _authorization(scheme, headers.get("authorization"))
        elif scheme.kind == "apikey":
            found = _key(headers.all(settings.key_header)) if settings.key_header in headers else None
        else:
            ambient = _cookie(headers.all("cookie"), settings.session.cookie) if "cookie" in headers else None
            continue
        if found is not None:
            if explicit is not None:
                return TWO_CARRIERS
            explicit = found
    return explicit if explicit is not None else ambient


def _authorization(scheme: Scheme, value: str) -> Credential | Flaw | None:
    word, rest = split_authorization(value)
    if word != scheme.word:
        return None  # an unconfigured scheme counts as absent (RFC 6750 3.1)
    if scheme.kind == "bearer":
        return Credential("bearer", rest, "authorization") if is_b64token(rest) else UNPARSABLE
    # Two values joined by a proxy: a comma stands in no Basic value (dataplanes.md R8).
    return TWO_CARRIERS if "," in rest else Credential(scheme.kind, rest, "authorization")


def _key(values: tuple[str, ...]) -> Credential | Flaw | None:
    if len(values) > 1:
        return TWO_CARRIERS
    return Credential("apikey", values[0], "header") if values[0] else None


def _cookie(fields: tuple[str, ...], name: str) -> Credential | Flaw | None:
    values = [
        value.strip(" \t")
        for line in fields
        for key, mark, value in (part.partition("=") for part in line.split(";"))
        if mark and key.strip(" \t") == name
    ]
    if len(values) > 1:
        return TWO_COOKIES  # answers.md CK4: never "first wins"
    return Credential("session", values[0], "cookie") if values and values[0] else None


def _proof(policy: Policy, request: RequestView, found: Credential, trace: Trace) -> Steps[Proof]:
    """What the credential proves, looked at once: the absent neighbour of a hidden path is asked with the same."""
    if trace.proof is None:
        try:
            known: Proof | None = yield Recall(found, request.via, request.at)
            trace.proof = known if known is not None else (yield from _prove(policy, request, found))
        except DependencyError as down:
            trace.proof = down
    if isinstance(trace.proof, DependencyError):
        raise trace.proof
    return trace.proof


def _prove(policy: Policy, request: RequestView, found: Credential) -> Steps[Proof]:
    scheme = next(scheme for scheme in policy.schemes if scheme.kind == found.kind)
    try:
        proof = yield from scheme.prove(policy, request, found)
    except DependencyError:
        # Whoever waits for this verification must not wait for ever.
        yield from ask(Remember(found, None, request.via, request.at))
        raise
    yield from ask(Remember(found, None if isinstance(proof, Throttle) else proof, request.via, request.at))
    return proof


def realm_of(policy: Policy, rule: Rule) -> str:
    """The protection space; a masked rule's own realm is not told (HP1)."""
    return printable(rule.realm if rule.realm and not rule.mask else policy.realm)


def accepted(policy: Policy, rule: Rule) -> tuple[Scheme, ...]:
    """Schemes that may satisfy the rule, in challenge order."""
    if rule.schemes is None:
        return policy.schemes
    return tuple(scheme for scheme in policy.schemes if scheme.kind in rule.schemes)


def challenges(policy: Policy, rule: Rule, kind: str = "", hint: Hint = NO_HINT) -> tuple[AuthChallenge, ...]:
    """One challenge per accepted scheme; the presented one first, and the hint goes to it alone (answers.md H12)."""
    realm = realm_of(policy, rule)
    schemes = sorted(accepted(policy, rule), key=lambda scheme: scheme.kind != kind)
    return tuple(scheme.challenge(policy, realm, hint if scheme.kind == kind else NO_HINT) for scheme in schemes)


def missing(policy: Policy, rule: Rule, request: RequestView) -> Challenge | Deny:
    """No credential was presented, or only one of an unsupported scheme."""
    reason = Reason.SCHEME_UNSUPPORTED if request.headers.get("authorization") else Reason.CREDENTIALS_MISSING
    return challenge(policy, rule, reason, Act.AUTHENTICATE)


def challenge(
    policy: Policy, rule: Rule, reason: Reason, act: Act, kind: str = "", hint: Hint = NO_HINT
) -> Challenge | Deny:
    """A 401, or a 403 where no scheme could answer it: a 401 is a promise (D5). Made once per rule and why."""
    key = (id(rule), reason, act, kind, hint.reason, hint.scopes, hint.max_age)
    known = policy.memo.get(key)
    # The entry holds the rule, so its id cannot have been given to another.
    if known is not None and known[0] is rule:
        made: Challenge | Deny = known[1]
        return made
    made = _challenge(policy, rule, reason, act, kind, hint)
    if len(policy.memo) >= _MOST:
        policy.memo.clear()
    policy.memo[key] = rule, made
    return made


def _challenge(policy: Policy, rule: Rule, reason: Reason, act: Act, kind: str, hint: Hint) -> Challenge | Deny:
    lines = challenges(policy, rule, kind, hint)
    if not lines:
        return Deny(Reason.NOBODY_MAY, rule.name, NOTHING_HELPS)
    schemes = tuple(scheme.kind for scheme in accepted(policy, rule))
    cure = Cure(act, schemes=schemes, max_age=hint.max_age or 0)
    return Challenge(reason, rule.name, lines, cure, login="session" in schemes)


def rejected(policy: Policy, rule: Rule, kind: str, proof: Rejected) -> Challenge | Deny | Malformed:
    """Credentials were looked at and refused."""
    answers = policy.settings.answers
    if proof.reason is Reason.BASIC_MALFORMED and answers.malformed_basic == 400:  # noqa: PLR2004 - the setting's value
        return malformed(proof.reason, "the Basic value cannot be read")
    if proof.disabled and answers.disabled_account == 403:  # noqa: PLR2004 - the setting's value
        return Deny(proof.reason, rule.name, NOTHING_HELPS)
    # What expired is renewed on a 401 alone, by every client there is (C4, A3-9).
    if answers.bad_credentials == 403 and not proof.expired:  # noqa: PLR2004 - the setting's value
        return Deny(proof.reason, rule.name, Cure(Act.AUTHENTICATE))
    act = Act.RENEW if proof.expired else Act.AUTHENTICATE
    return challenge(policy, rule, proof.reason, act, kind, Hint(proof.reason))


def _flawed(policy: Policy, rule: Rule, flaw: Flaw) -> Malformed:
    reason = Reason.CREDENTIALS_UNPARSABLE if flaw is UNPARSABLE else Reason.CREDENTIALS_AMBIGUOUS
    return malformed(reason, flaw.why, bearer_only(policy, rule, Hint(reason)))


def bearer_only(policy: Policy, rule: Rule, hint: Hint) -> tuple[AuthChallenge, ...]:
    """The Bearer challenge where Bearer is accepted, else nothing (row 4)."""
    realm = realm_of(policy, rule)
    return tuple(s.challenge(policy, realm, hint) for s in accepted(policy, rule) if s.kind == "bearer")
