"""The session of a browser: who is logged in, and the way out.

Rule: safe methods change nothing; logging out is a POST that proves where it comes from. Source: answers.md CS1, CS5,
CK3, CK4.
"""

from __future__ import annotations

from typing import Any

from doorward.core.ask import CheckCsrf, Steps, ask
from doorward.core.authorize import csrf
from doorward.core.cure import Act, Cure
from doorward.core.decide import OWN
from doorward.core.principal import Principal
from doorward.core.reason import Reason
from doorward.core.verdict import Allow, Deny, Malformed
from doorward.guard.desk import cookie
from doorward.site.visit import RULE, Visit
from doorward.wire import plain
from doorward.wire.reply import Reply


async def show_session(visit: Visit) -> Reply:
    """Who is logged in here: a page for people; for scripts with the token that unsafe requests need (CS1)."""
    who = await visit.holder()
    if not isinstance(who, Principal):
        return await visit.refuse(who)
    if not visit.as_page:
        return plain.data(data_of(visit, who, who.session), visit.extra)
    from doorward.wire.pages import session_page  # noqa: PLC0415 - jinja2 is loaded with the first page

    token = visit.desk.csrf_token(who.session)
    return session_page(visit.policy, visit.view, who, csrf=token, request_id=visit.request_id)


def data_of(visit: Visit, who: Principal, session: str) -> dict[str, Any]:
    """What a script learns of a session. session: its public id, which is not told."""
    token = visit.desk.csrf_token(session)
    return {"subject": who.subject, "name": who.label, "roles": sorted(who.roles), "csrf_token": token}


async def log_out(visit: Visit) -> Reply:
    """End the session on the server and in the browser. Without one there is nothing to end, and that is well, too."""
    who = await visit.holder()
    if isinstance(who, Malformed):
        return await visit.refuse(who)
    if isinstance(who, Principal):
        if forged := await visit.ask(_forged(visit, who)):
            return await visit.refuse(forged, who)
        await visit.desk.end_session(who.session, visit.view.at)
        await visit.note(Allow(who, OWN), who)
    settings = visit.policy.settings
    fields = (cookie(settings.credentials.session.cookie, "", 0), *visit.extra)
    if not visit.as_page:
        return plain.done(fields)
    mark = "&" if "?" in settings.login_page else "?"
    return plain.see_other(f"{settings.login_page}{mark}why=out", fields)


def _forged(visit: Visit, who: Principal) -> Steps[Deny | None]:
    """Tokens in a field count on our own pages alone; one that is wrong is refused, whatever else would be proof."""
    token = visit.body.fields.get("csrf")
    if token is None:
        return (yield from csrf(visit.policy, RULE, who, visit.view))
    if "x-csrf-token" not in visit.view.headers and (yield from ask(CheckCsrf(who.session, token))):
        return None
    return Deny(Reason.CSRF_MISMATCH, OWN, Cure(Act.PROVE_ORIGIN))
