"""Documents for people: refusals, login, home, logout. Rendered by jinja2, which is loaded with the first page.

Rule: no script, no third party, nothing unescaped; what a page may say of a refusal is in `Shown`. Templates of the
operator run in a sandbox, and one that fails is replaced by the shipped one: a broken page must not open a door.
Source: first-minute.md section 6, answers.md A2-35, A2-36, C5; WCAG 2.2 AA.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from html import escape
from http import HTTPStatus
from typing import Any

from jinja2 import BaseLoader, ChoiceLoader, FileSystemLoader, PackageLoader, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from doorward.core.path import safe_return
from doorward.core.policy import Policy
from doorward.core.principal import Principal
from doorward.core.reason import Code
from doorward.core.request import RequestView
from doorward.core.settings import DAY
from doorward.wire.fields import refusal_fields, text_fields
from doorward.wire.form import LoginForm
from doorward.wire.locale import direction
from doorward.wire.memo import memo_of
from doorward.wire.problem import detail, sentence, title
from doorward.wire.redirect import login_url
from doorward.wire.reply import REQUEST_ID, Pairs, Reply
from doorward.wire.shown import Shown
from doorward.wire.wish import Wish, wish_of

_STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)
_LONGEST_NAME = 256
# What joins heading and advice in our languages: blanks, stop, colon, comma, dashes and their full-width kin.
_JOINTS = " \u00a0.:,\u2013\u2014\u3002\uff0c\u3001"
_LINKS = ("https://", "http://", "mailto:", "/")
# Chromium holds form-action against every redirect behind a form, those of the application included: with 'self' alone
# a login that leads to a page that leads elsewhere, to a download for instance, ends in nothing (measured, 156).
_ONWARD = "'self' https: http:"
# What a template of an operator can raise besides jinja2's own errors; ours raise none of them.
_BROKEN = (TemplateError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError, OSError)
# Why somebody stands at the login page; only these are known.
_NOTICES = {
    "session_expired": "session_expired",
    "step_up": "step-up-required",
    "signed_out": "page.logged-out",
}


@lru_cache(maxsize=8)
def _environment(folder: str) -> ImmutableSandboxedEnvironment:
    """Templates: the operator's folder before the shipped ones. folder "": shipped only."""
    loader: BaseLoader = PackageLoader("doorward.wire", "templates")
    if folder:
        loader = ChoiceLoader([FileSystemLoader(folder), loader])
    environment = ImmutableSandboxedEnvironment(
        loader=loader, autoescape=True, auto_reload=False, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["isolate"] = _isolate
    return environment


def _isolate(text: str, value: str) -> Markup:
    """A text with its one place for a value filled, the value kept apart from the direction of the text around it."""
    return Markup(escape(text).replace("{x}", f"<bdi>{escape(value)}</bdi>"))  # noqa: S704 - both parts are escaped


def page(policy: Policy, name: str, language: str, values: Mapping[str, Any], request_id: str) -> bytes:
    """One page. name: of a template without ending; values: for the template; language: negotiated.

    A template of the operator that fails is replaced by the shipped one. Raises jinja2.TemplateNotFound only for a name
    that is not shipped either.
    """
    scene = _scene(policy, language, request_id) | dict(values)
    folder = policy.settings.pages.templates
    if folder:
        try:
            return _environment(folder).get_template(f"{name}.html").render(scene).encode()
        except _BROKEN:
            pass
    return _environment("").get_template(f"{name}.html").render(scene).encode()


def _scene(policy: Policy, language: str, request_id: str) -> dict[str, Any]:
    """What every page has."""
    catalog = memo_of(policy).catalog
    pages = policy.settings.pages
    support = pages.support_url if pages.support_url.startswith(_LINKS) else ""
    return {
        "t": lambda key: catalog.text(language, key),
        "language": language,
        "direction": direction(language),
        "brand": pages.brand or policy.realm,
        "support_url": support,
        "home": policy.settings.login_home,
        "login_page": policy.settings.login_page,
        "request_id": request_id,
    }


def content_policy(body: bytes, forms: str = "'self'") -> str:
    """The Content-Security-Policy of a page: its own style sheets by hash, forms to us, nothing else at all.

    forms: where forms may lead, redirects included.
    """
    styles = " ".join(_hash(style) for style in _STYLE.findall(body.decode())) or "'none'"
    return f"default-src 'none'; style-src {styles}; form-action {forms}; base-uri 'none'; frame-ancestors 'none'"


@lru_cache(maxsize=64)
def _hash(style: str) -> str:
    return f"'sha256-{b64encode(sha256(style.encode()).digest()).decode()}'"


def refusal_page(policy: Policy, shown: Shown, request: RequestView, language: str, request_id: str) -> bytes:
    """The page of a refusal."""
    name = title(policy, shown, language)
    said = sentence(policy, shown, language)
    more = detail(policy, shown, language)
    values = {
        "status": shown.status,
        "code": shown.code,
        "title": name,
        "sentence": said,
        "advice": _advice(name, said),
        "wait": _wait(shown),
        "note": f"{shown.note[:1].upper()}{shown.note[1:]}." if shown.note else "",
        "detail": "" if more in (said, shown.note) else more,
        "who": shown.who if not shown.mask else "",
        "required_role": shown.required_role,
        "required_permission": shown.required_permission,
        "required_scope": shown.required_scope,
        "login_url": login_url(policy, shown, request) if shown.login and policy.settings.login_page else "",
        "switch_url": _switch_url(policy, shown, request),
        "again": request.method in ("GET", "HEAD"),
        "debug": shown.reason,
        "refused": True,
    }
    return page(policy, _template(shown.status), language, values, request_id)


def _advice(name: str, said: str) -> str:
    """What a sentence says besides the heading above it: nobody reads "Access denied" twice."""
    rest = said.removeprefix(name).lstrip(_JOINTS) if said.startswith(name) else said
    return rest[:1].upper() + rest[1:]


def _wait(shown: Shown) -> int:
    """Seconds to count down on the page, 0 for none."""
    return min(shown.retry_after, DAY) if shown.code == Code.QUOTA_EXCEEDED else 0


def _template(status: int) -> str:
    own = {401: "401", 403: "403", 404: "404", 429: "429", 502: "503", 503: "503", 504: "503"}
    return own.get(status, "refusal")


def _switch_url(policy: Policy, shown: Shown, request: RequestView) -> str:
    """C5: a new login cannot help the same account, but another account may have what this one lacks."""
    offered = policy.settings.pages.switch_account and policy.settings.login_page and shown.identity_known
    return login_url(policy, shown, request) if offered else ""


def login_page(
    policy: Policy, request: RequestView, form: LoginForm, request_id: str, refusal: Shown | None = None
) -> Reply:
    """The login form. refusal: why the last try failed; it gives the status and its fields. Never raises."""
    wish = wish_of(policy, request)
    catalog = memo_of(policy).catalog
    back = safe_return(form.back) or ""
    values = {
        "csrf": form.csrf,
        "next": back,
        "name": form.name[:_LONGEST_NAME],
        "who": form.who if not refusal else "",
        "onward": back or policy.settings.login_home,
        "error": _login_error(policy, refusal, form.notice, wish.language) if refusal else "",
        "notice": catalog.text(wish.language, _NOTICES[form.notice]) if form.notice in _NOTICES and not refusal else "",
        "wait": _wait(refusal) if refusal else 0,
        "refused": refusal is not None,
    }
    return _own_page(policy, "login", values, wish, request_id, refusal)


def _login_error(policy: Policy, refusal: Shown, notice: str, language: str) -> str:
    catalog = memo_of(policy).catalog
    # CK1: where our cookie does not come back, another round would end here again; so the page says it.
    if notice == "cookies":
        return catalog.text(language, "page.cookies-why")
    if refusal.code == Code.INVALID_CREDENTIALS:
        return catalog.text(language, "login-failed")
    return sentence(policy, refusal, language)


def session_page(policy: Policy, request: RequestView, who: Principal, *, csrf: str, request_id: str) -> Reply:
    """Who is logged in, and the way out: logout is a POST (CS5), so this page is also its confirmation."""
    wish = wish_of(policy, request)
    values = {"who": who.label, "csrf": csrf, "switch": policy.settings.pages.switch_account}
    return _own_page(policy, "session", values, wish, request_id, None)


def _own_page(
    policy: Policy, name: str, values: Mapping[str, Any], wish: Wish, request_id: str, refusal: Shown | None
) -> Reply:
    body = page(policy, name, wish.language, values, request_id)
    fields = refusal_fields(policy, refusal, wish) if refusal else text_fields(policy, wish.language)
    status = refusal.status if refusal else HTTPStatus.OK
    forms = _ONWARD if name == "login" else "'self'"
    return Reply(status, (*page_fields(body, forms), *fields, (REQUEST_ID, request_id)), body)


def page_fields(body: bytes, forms: str = "'self'") -> Pairs:
    """Fields of documents. Referrer-Policy same-origin: with less, browsers send `Origin: null` on our forms."""
    return (
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Security-Policy", content_policy(body, forms)),
        ("Referrer-Policy", "same-origin"),
    )
