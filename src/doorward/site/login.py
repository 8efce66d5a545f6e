"""Logging in: the form, and what becomes of it.

Rule: a password is looked at by the same steps as Basic, after the form has proved to be ours; unknown, wrong and
disabled are one answer. Source: answers.md row 3, CK1, CK3, CS3, F6, P5; first-minute.md 6.
"""

from __future__ import annotations

import unicodedata

from doorward.core.ask import Rejected
from doorward.core.authenticate import rejected
from doorward.core.authorize import is_own_origin
from doorward.core.cure import Act, Cure
from doorward.core.decide import OWN
from doorward.core.path import safe_return
from doorward.core.principal import Principal
from doorward.core.reason import Reason
from doorward.core.verdict import Allow, Deny, Refusal, Throttle
from doorward.guard.desk import cookie, new_visitor, session_cookie
from doorward.schemes.basic import check_password
from doorward.site.session import data_of
from doorward.site.visit import LOGIN_COOKIE, RULE, Visit
from doorward.wire import plain
from doorward.wire.form import LoginForm
from doorward.wire.reply import Reply, with_headers

_NOTICES = {"out": "signed_out", "expired": "session_expired", "again": "step_up"}
_LONGEST_NAME, _LONGEST_PASSWORD = 256, 4_096
_FOREIGN = frozenset({"cross-site", "same-site"})
_NO_ACCOUNT = Rejected(Reason.ACCOUNT_UNKNOWN, "no account can have this name or password")


async def show_login(visit: Visit) -> Reply:
    """The login form, with the way back to the page that was asked for."""
    notice = _NOTICES.get(visit.query.get("why", ""), "")
    who = "" if notice else await _already(visit)
    return _form(visit, LoginForm("", visit.query.get("next", ""), who=who, notice=notice))


async def _already(visit: Visit) -> str:
    """How the person is called who is logged in here already: nobody types a password twice without need."""
    holder = await visit.holder()
    return holder.label if isinstance(holder, Principal) else ""


def _form(visit: Visit, form: LoginForm, refusal: Refusal | None = None) -> Reply:
    from doorward.wire.pages import login_page  # noqa: PLC0415 - jinja2 is loaded with the first page

    visitor = visit.visitor
    fresh = visitor or new_visitor()
    filled = LoginForm(visit.desk.form_token(fresh), form.back, form.name, form.who, form.notice)
    shown = visit.shown(refusal) if refusal else None
    reply = login_page(visit.policy, visit.view, filled, visit.request_id, shown)
    return reply if visitor else with_headers(reply, (cookie(LOGIN_COOKIE, fresh),))


async def log_in(visit: Visit) -> Reply:
    """Look at name and password: a new session and back to where one wanted to go, or the form again and why."""
    if forged := _forged(visit):
        # Nothing of a form that is not ours is shown again.
        return await _failed(visit, forged, LoginForm("", visit.back, notice="" if visit.visitor else "cookies"))
    name = _name(visit.body.fields.get("username", ""))
    proof = await _look(visit, name)
    if isinstance(proof, Principal):
        welcome = await _welcome(visit, proof)
        if isinstance(welcome, Reply):
            return welcome
        proof = welcome
    refusal = proof if isinstance(proof, Throttle) else rejected(visit.policy, RULE, "session", proof)
    return await _failed(visit, refusal, LoginForm("", visit.back, name), proof)


async def _failed(visit: Visit, refusal: Refusal, form: LoginForm, proof: Rejected | Throttle | None = None) -> Reply:
    if not visit.as_page:
        return await visit.refuse(refusal, proof=proof)
    await visit.note(refusal, proof=proof)
    return _form(visit, form, refusal)


def _forged(visit: Visit) -> Deny | None:
    """Login CSRF: somebody must not be logged in to an account of somebody else's choice (CS3)."""
    headers = visit.view.headers
    origin = headers.all("origin")
    own = len(origin) == 1 and is_own_origin(visit.policy, visit.view, origin[0])
    if not own and (origin or not _FOREIGN.isdisjoint(headers.all("sec-fetch-site"))):
        return Deny(Reason.ORIGIN_FOREIGN, OWN, Cure(Act.PROVE_ORIGIN))
    if visit.body.kind == "json":  # a foreign page cannot send it without a preflight, which is not granted
        return None
    if visit.desk.is_form_token(visit.visitor, visit.body.fields.get("csrf", "")):
        return None
    reason = Reason.CSRF_MISMATCH if visit.visitor else Reason.CSRF_MISSING
    return Deny(reason, OWN, Cure(Act.PROVE_ORIGIN))


def _name(typed: str) -> str:
    """A name as accounts have it. Keyboards that complete words leave a blank behind."""
    return unicodedata.normalize("NFC", typed).strip(" ")


async def _look(visit: Visit, name: str) -> Principal | Rejected | Throttle:
    password = unicodedata.normalize("NFC", visit.body.fields.get("password", ""))
    # No account has such a name, so there is nothing to count, and nobody learns anything from a quick answer.
    if not name or ":" in name or len(name) > _LONGEST_NAME or len(password) > _LONGEST_PASSWORD:
        return _NO_ACCOUNT
    return await visit.ask(check_password(visit.policy, visit.view, name, password, "session"))


async def _welcome(visit: Visit, who: Principal) -> Reply | Rejected:
    at = visit.view.at
    old = await visit.holder()
    session, secret = await visit.desk.open_session(who.subject, at)
    if session.ended:  # the account was disabled after its password was looked at
        return Rejected(Reason.ACCOUNT_DISABLED, subject=who.subject, disabled=True)
    if isinstance(old, Principal):  # the id changes at every login, and the old one dies (CK3)
        await visit.desk.end_session(old.session, at)
    await visit.note(Allow(who, OWN), who)
    settings = visit.policy.settings
    fields = (session_cookie(settings.credentials.session, secret), *visit.extra)
    if visit.as_page:
        return plain.see_other(safe_return(visit.back) or settings.login_home or "/", fields)
    return plain.data(data_of(visit, who, session.id), fields)
