"""One case of a policy test, decided: the request is made up, the decision is the real one.

Rule: nothing is looked up anywhere: who asks and what he holds stands in the case.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from http import HTTPStatus

from doorward.core import ask
from doorward.core.ask import Answers
from doorward.core.decide import PREFLIGHT
from doorward.core.policy import Policy
from doorward.core.principal import Principal
from doorward.core.reason import Reason
from doorward.core.request import Headers, RequestView, Via, observe
from doorward.core.verdict import Allow, Hide, Verdict, status
from doorward.guard.compose import compose
from doorward.guard.rehearse import rehearse
from doorward.policyfile.cases import Case
from doorward.wire.cors import preflight_reply

_NOBODY = "00000000-0000-7000-8000-000000000000"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came out. reasons: the true one first; a hidden refusal is "concealed" besides."""

    case: Case
    status: int
    reasons: tuple[str, ...]
    rule: str

    @property
    def reason(self) -> str:
        """The true reason."""
        return self.reasons[0]

    @property
    def passed(self) -> bool:
        """Whether it is what was expected."""
        want = self.case.expect
        return (
            want.status == self.status
            and (not want.reason or want.reason in self.reasons)
            and (not want.rule or want.rule == self.rule)
        )

    @property
    def wanted(self) -> str:
        """The expectation in words."""
        want = self.case.expect
        return _words(want.status, want.reason, want.rule)

    @property
    def got(self) -> str:
        """The outcome in words, as far as the expectation goes."""
        return _words(self.status, self.reason, self.rule if self.case.expect.rule else "")


def _words(code: int, reason: str, rule: str) -> str:
    return " ".join(part for part in (str(code), reason, f'by "{rule}"' if rule else "") if part)


def play(policy: Policy, case: Case) -> Outcome:
    """Decide a case. policy: as loaded."""
    composed = compose(policy)
    view = _view(composed, case)
    verdict, _ = rehearse(composed, view, _caller(composed, case), _answers(case))
    if isinstance(verdict, Allow):
        return Outcome(case, _allowed(composed, view, verdict), (str(Reason.ALLOWED),), verdict.rule)
    return Outcome(case, status(verdict) or 0, _reasons(verdict), verdict.rule)


def _view(policy: Policy, case: Case) -> RequestView:
    """The request at our first own origin; a machine of ours where the policy names none."""
    origins = policy.settings.vantage.origins
    host = origins[0].partition("://")[2] if origins else "localhost"
    sent = dict(case.headers)
    headers = Headers([("host", sent.pop("host", host)), *(pair for pair in case.headers if pair[0] in sent)])
    via = Via(case.ip, case.ip, case.scheme, not origins)
    vantage = policy.settings.vantage
    return observe(vantage, method=case.method, target=case.target, headers=headers, via=via, at=case.at)


def _caller(policy: Policy, case: Case) -> Principal | None:
    """Who asks, with the roles that his include; scopes come by a token, if the policy takes any."""
    who = case.who
    if who is None:
        return None
    scheme, scopes = who.scheme, who.scopes
    delegated = [kind for kind in ("bearer", "apikey") if kind in policy.settings.credentials.order]
    if not scheme and scopes is not None and delegated:
        scheme = delegated[0]
    if scheme in ("bearer", "apikey") and scopes is None:
        scopes = frozenset()
    session = "rehearsal" if scheme == "session" else ""
    return replace(who, roles=policy.expand(who.roles), scheme=scheme, scopes=scopes, session=session)


def _answers(case: Case) -> Answers:
    return {
        ask.FindRelation: lambda question: (question.permission, question.object) in case.grants,
        ask.FindAccount: lambda _: None,
        ask.VerifyPassword: lambda _: False,
        ask.FindKeys: lambda _: (),
        ask.SendsAtJwt: lambda question: question.seen,
        ask.TokenRevoked: lambda _: False,
        ask.CheckCsrf: lambda _: False,
    }


def _allowed(policy: Policy, view: RequestView, verdict: Allow) -> int:
    """The status of what is let through: 200 stands for the application's answer; a preflight may be ours."""
    if verdict.rule == PREFLIGHT and policy.settings.cors.origins:
        return int(preflight_reply(policy, view, _NOBODY).status)
    return int(HTTPStatus.OK)


def _reasons(verdict: Verdict) -> tuple[str, ...]:
    if isinstance(verdict, Hide):
        return str(verdict.reason), str(Reason.CONCEALED)
    return () if isinstance(verdict, Allow) else (str(verdict.reason),)
