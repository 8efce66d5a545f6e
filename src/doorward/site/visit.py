"""One visit to our own pages: the call, the policy in force when it came, and who may be asked.

Rule: a page sees the policy and the answers of its visit, never the guard: a reload cannot change it half-way.
A refusal is rendered by `wire/` and recorded like any other. Source: architecture.md 3, answers.md D7, CK4.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from doorward.core.ask import Answers, Steps, arun
from doorward.core.authenticate import Proof, authenticate
from doorward.core.cure import Act, Cure
from doorward.core.decide import OWN
from doorward.core.policy import Policy, Rule
from doorward.core.principal import Principal
from doorward.core.reason import Reason
from doorward.core.request import Headers, RequestView
from doorward.core.trace import Trace
from doorward.core.verdict import Challenge, Deny, Hide, Malformed, Refusal, Throttle, Verdict
from doorward.guard.desk import Desk
from doorward.site.call import Body, Fields
from doorward.wire.cors import cors_headers
from doorward.wire.render import render
from doorward.wire.reply import REQUEST_ID, Pairs, Reply
from doorward.wire.shown import Shown, show
from doorward.wire.wish import wish_of

if TYPE_CHECKING:
    from doorward.guard.record import Record

T = TypeVar("T")
ROOT = "/.doorward"
LOGIN, LOGOUT, SESSION, KEYS = f"{ROOT}/login", f"{ROOT}/logout", f"{ROOT}/session", f"{ROOT}/jwks.json"
LOGIN_COOKIE = "__Host-doorward-login"
RULE = Rule(OWN, schemes=frozenset({"session"}))
"""What our own pages ask for: a session, whatever other credential the browser sends along."""


@dataclass(frozen=True, slots=True)
class Visit:
    """A call with everything a page may use. query, body: what was sent."""

    view: RequestView
    request_id: str
    policy: Policy
    answers: Answers
    desk: Desk
    record: Record
    query: Fields
    body: Body = Body()

    @property
    def as_page(self) -> bool:
        """Whether a person is to be answered: a browser shows the answer as a document."""
        return self.body.kind != "json" and wish_of(self.policy, self.view).form == "html"

    @property
    def extra(self) -> Pairs:
        """Fields of every answer that is no refusal: the request id, and that scripts of `[cors]` may read it."""
        return ((REQUEST_ID, self.request_id), *cors_headers(self.policy, self.view))

    @property
    def back(self) -> str:
        """Where the form says that one wanted to go; not checked."""
        return self.body.fields.get("next", "")

    async def ask(self, steps: Steps[T]) -> T:
        """Have steps of the core answered."""
        return await arun(steps, self.answers)

    async def holder(self) -> Principal | Challenge | Malformed | Throttle | Deny:
        """Whose the session cookie is, or the refusal that says why it is nobody's."""
        # A browser may send a Basic login of the same host along; on our own pages the session alone counts.
        cookies = tuple(("cookie", value) for value in self.view.headers.all("cookie"))
        bare = replace(self.view, headers=Headers(cookies))
        return await self.ask(authenticate(self.policy, RULE, bare, Trace()))

    @property
    def visitor(self) -> str:
        """The pre-session cookie, "" without exactly one."""
        pairs = (part.partition("=") for line in self.view.headers.all("cookie") for part in line.split(";"))
        found = [value.strip(" \t") for name, _, value in pairs if name.strip(" \t") == LOGIN_COOKIE]
        return found[0] if len(found) == 1 else ""

    async def refuse(self, refusal: Refusal, who: Principal | None = None, proof: Proof | None = None) -> Reply:
        """Record a refusal and write it in the form this client wants."""
        await self.note(refusal, who, proof)
        return render(self.policy, self.shown(refusal, who), self.view, self.request_id)

    def shown(self, refusal: Refusal, who: Principal | None = None) -> Shown:
        """What of a refusal may be told here."""
        return show(self.policy, refusal, self.view, who)

    async def note(self, verdict: Verdict, who: Principal | None = None, proof: Proof | None = None) -> None:
        """Record a verdict. proof: what became of the password."""
        trace = Trace()
        trace.step, trace.who, trace.proof = _step(verdict), who, proof
        trace.kind = "session" if who or proof else ""
        waiting = self.record.note(self.policy, self.view, verdict, trace, self.request_id)
        if waiting is not None:
            await waiting


def _step(verdict: Verdict) -> str:
    """Where on the straight line this would have happened."""
    match verdict:
        case Malformed():
            return "parse"
        case Hide() | Deny(reason=Reason.METHOD_REFUSED):
            return "match"
        case Deny(cure=Cure(act=Act.PROVE_ORIGIN)):
            return "csrf"
        case _:
            return "authenticate"
