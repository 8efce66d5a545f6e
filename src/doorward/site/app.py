"""Login, logout and "who am I": an ordinary ASGI app under /.doorward/.

Rule: a password is looked at by the same steps as Basic, a refusal is rendered by `wire/` like any other.
Source: answers.md CK1-CK4, CS3, CS5, F6, P5; first-minute.md 6.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from doorward.core.ask import Rejected, advance, resume
from doorward.core.authenticate import challenge, rejected
from doorward.core.authorize import csrf, is_own_origin
from doorward.core.cure import NOTHING_HELPS, Act, Cure
from doorward.core.decide import OWN
from doorward.core.errors import DependencyError
from doorward.core.path import safe_return
from doorward.core.policy import Policy, Rule
from doorward.core.principal import Principal
from doorward.core.reason import Reason
from doorward.core.request import RequestView
from doorward.core.trace import Trace
from doorward.core.verdict import Challenge, Deny, Hide, Refusal, Throttle, Unavailable, malformed
from doorward.guard.desk import Desk, cookie, new_visitor, session_cookie
from doorward.guard.guard import Guard
from doorward.guard.record import Record
from doorward.schemes.basic import check_password
from doorward.site.call import Call, Receive, Scope, Send, TooLarge, read_call, send_reply
from doorward.wire import pages, plain
from doorward.wire.negotiate import language, media
from doorward.wire.render import render
from doorward.wire.reply import Reply
from doorward.wire.shown import show

ROOT = "/.doorward"
LOGIN, LOGOUT, SESSION, KEYS = f"{ROOT}/login", f"{ROOT}/logout", f"{ROOT}/session", f"{ROOT}/jwks.json"
LOGIN_COOKIE = "__Host-doorward-login"
_RULE = Rule(OWN, schemes=frozenset({"session"}))
_METHODS = ("GET", "HEAD", "POST")
Page = Callable[[Call], Awaitable[Reply]]


class Site:
    """Our own pages over a guard. keys: the published key set of assertions."""

    def __init__(self, guard: Guard, desk: Desk, record: Record, keys: Callable[[], dict[str, Any]]) -> None:
        self._guard, self._desk, self._record, self._keys = guard, desk, record, keys
        self._pages: dict[tuple[str, str], Page] = {
            ("GET", LOGIN): self.show_login,
            ("POST", LOGIN): self.log_in,
            ("GET", LOGOUT): self.show_session,
            ("POST", LOGOUT): self.log_out,
            ("GET", SESSION): self.show_session,
            ("GET", ROOT): self.show_session,
            ("GET", KEYS): self.show_keys,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. scope: with the view the host decided on and its request id."""
        call: Call | None = None
        try:
            call = await read_call(scope, receive)
            reply = await self._answer(call)
        except TooLarge:
            call = Call(scope["doorward.view"], scope["doorward.request_id"], {}, {})
            reply = self._refuse(call, malformed(Reason.BODY_TOO_LARGE, "the form is larger than 8 KiB"))
        except DependencyError as down:
            refusal = Unavailable(down.name, down.retry_after, _reason(down), rule=OWN)
            reply = self._refuse(call, refusal) if call else plain.not_ready(down.name)
        await send_reply(send, reply)

    async def _answer(self, call: Call) -> Reply:
        method = "GET" if call.view.method == "HEAD" else call.view.method
        page = self._pages.get((method, call.path))
        if page is not None and (call.path == KEYS or self._policy.settings.login_page):
            return await page(call)
        if page is None and any(path == call.path for _, path in self._pages):
            return self._refuse(call, Deny(Reason.METHOD_REFUSED, OWN, NOTHING_HELPS, status=405, allow=_METHODS))
        return self._refuse(call, Hide(Deny(Reason.PATH_UNNAMED, OWN, NOTHING_HELPS), OWN))

    @property
    def _policy(self) -> Policy:
        return self._guard.policy

    async def show_keys(self, call: Call) -> Reply:  # noqa: ARG002 - every page takes its call
        """The public keys of the assertion."""
        return plain.published(self._keys())

    async def show_login(self, call: Call) -> Reply:
        """The login form, with the way back to the page that was asked for."""
        return self._form(call, call.query.get("next"), notice=_NOTICES.get(call.query.get("why", ""), ""))

    def _form(self, call: Call, back: str | None, *, error: Refusal | None = None, notice: str = "") -> Reply:
        visitor = self._visitor_cookie(call)
        fresh = visitor or new_visitor()
        reply = pages.login_page(
            self._policy,
            call.view,
            csrf=self._desk.form_token(fresh),
            back=safe_return(back) or "",
            refusal=show(self._policy, error, call.view, None) if error else None,
            notice=notice,
            request_id=call.request_id,
        )
        return reply if visitor else _with(reply, cookie(LOGIN_COOKIE, fresh))

    async def log_in(self, call: Call) -> Reply:
        """Look at name and password; a new session, and back to where the caller wanted to go."""
        if forged := self._foreign_form(call):
            self._note(call, forged)
            return self._form(call, call.fields.get("next"), error=forged, notice="cookies")
        proof = await self._check(call)
        if isinstance(proof, Principal):
            return await self._welcome(call, proof)
        refusal = proof if isinstance(proof, Throttle) else self._wrong(proof)
        if self._as_page(call):
            self._note(call, refusal)
            return self._form(call, call.fields.get("next"), error=refusal)
        return self._refuse(call, refusal)

    def _foreign_form(self, call: Call) -> Deny | None:
        """Login CSRF: the form must be ours, or the sender a script that a foreign page cannot be (CS3)."""
        origin = call.view.headers.all("origin")
        if origin and not (len(origin) == 1 and is_own_origin(self._policy, call.view, origin[0])):
            return Deny(Reason.ORIGIN_FOREIGN, OWN, Cure(Act.PROVE_ORIGIN))
        if call.scripted:  # a foreign page cannot send JSON without a preflight that the door refuses
            return None
        if self._desk.is_form_token(self._visitor_cookie(call), call.fields.get("csrf", "")):
            return None
        return Deny(Reason.CSRF_MISSING, OWN, Cure(Act.PROVE_ORIGIN))

    async def _check(self, call: Call) -> Principal | Rejected | Throttle:
        name, password = call.fields.get("username", ""), call.fields.get("password", "")
        steps = check_password(self._policy, call.view, name, password, "session")
        answers = self._guard.answers
        outcome = await resume(steps, answers, advance(steps, answers))
        return outcome

    def _wrong(self, proof: Rejected) -> Refusal:
        """Unknown, wrong and disabled are one answer (A3-14)."""
        verdict = rejected(self._policy, _RULE, "session", proof)
        if isinstance(verdict, Challenge):
            reason = Reason.PASSWORD_WRONG
            verdict = challenge(self._policy, _RULE, reason, Act.AUTHENTICATE)
        return verdict

    async def _welcome(self, call: Call, who: Principal) -> Reply:
        old = await self._guard.visitor(call.view)
        if old.session:  # the id changes at every login, and the old one dies (CK3)
            await self._desk.end_session(old.session, call.view.at)
        _, secret = await self._desk.open_session(who.subject, call.view.at)
        settings = self._policy.settings
        crumbs = (session_cookie(settings.credentials.session, secret), cookie(LOGIN_COOKIE, "", 0))
        if not self._as_page(call):
            return plain.done(crumbs)
        return plain.see_other(safe_return(call.fields.get("next")) or settings.login_home, crumbs)

    async def show_session(self, call: Call) -> Reply:
        """Who is logged in here; for scripts with the CSRF token of the session."""
        who = await self._guard.visitor(call.view)
        if not who.session:
            lines = challenge(self._policy, _RULE, Reason.CREDENTIALS_MISSING, Act.AUTHENTICATE)
            return self._refuse(call, lines)
        token = self._desk.csrf_token(who.session)
        if self._as_page(call):
            return pages.session_page(self._policy, call.view, who, csrf=token, request_id=call.request_id)
        return plain.data({"subject": who.subject, "name": who.label, "roles": sorted(who.roles), "csrf_token": token})

    async def log_out(self, call: Call) -> Reply:
        """End the session on the server and in the browser."""
        who = await self._guard.visitor(call.view)
        settings = self._policy.settings
        if who.session:
            if forged := await self._forged(call, who):
                return self._refuse(call, forged, who)
            await self._desk.end_session(who.session, call.view.at)
        gone = (cookie(settings.credentials.session.cookie, "", 0),)
        return plain.see_other(f"{LOGIN}?why=out", gone) if self._as_page(call) else plain.done(gone)

    async def _forged(self, call: Call, who: Principal) -> Deny | None:
        if self._guard_token(call, who):
            return None
        steps = csrf(self._policy, _RULE, who, call.view)
        return await resume(steps, self._guard.answers, advance(steps, self._guard.answers))

    def _guard_token(self, call: Call, who: Principal) -> bool:
        """Form-field tokens count only on our own pages (CS1)."""
        token = call.fields.get("csrf", "")
        return bool(token) and _same(token, self._desk.csrf_token(who.session))

    def _visitor_cookie(self, call: Call) -> str:
        found = [
            part.partition("=")[2].strip()
            for line in call.view.headers.all("cookie")
            for part in line.split(";")
            if part.partition("=")[0].strip() == LOGIN_COOKIE
        ]
        return found[0] if len(found) == 1 else ""

    @staticmethod
    def _as_page(call: Call) -> bool:
        return media(call.view) == "html" and not call.scripted

    def _note(self, call: Call, refusal: Refusal, who: Principal | None = None) -> None:
        trace = Trace()
        trace.step, trace.who = "authenticate", who
        self._record.note(self._policy, call.view, refusal, trace, call.request_id)

    def _refuse(self, call: Call, refusal: Refusal, who: Principal | None = None) -> Reply:
        self._note(call, refusal, who)
        return render(self._policy, show(self._policy, refusal, call.view, who), call.view, call.request_id)


_NOTICES = {"out": "signed_out", "expired": "session_expired"}


def _same(one: str, other: str) -> bool:
    import hmac

    return hmac.compare_digest(one.encode("utf-8", "replace"), other.encode())


def _reason(down: DependencyError) -> Reason:
    return {"hashing": Reason.HASHING_BUSY, "store": Reason.STORE_UNWRITABLE}.get(down.name, Reason.DEPENDENCY_DOWN)


def _with(reply: Reply, *pairs: tuple[str, str]) -> Reply:
    return Reply(reply.status, (*reply.headers, *pairs), reply.body)
