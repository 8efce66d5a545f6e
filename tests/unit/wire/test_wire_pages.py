"""Pages for people: what they say, offer, and cannot be made to say."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256

import pytest
from wire_scene import (
    CAROL,
    ID,
    NAVIGATION,
    SESSION,
    Page,
    answer,
    ask_with,
    challenge,
    deny,
    policy,
    settings,
    throttle,
)

from doorward.core.cure import Act, Cure
from doorward.core.policy import Rule
from doorward.core.principal import Principal
from doorward.core.reason import Reason
from doorward.core.settings import Cors, Pages
from doorward.core.verdict import Hide, Unavailable, malformed
from doorward.wire.locale import shipped
from doorward.wire.pages import page, session_page

SUPPORT = "https://help.example/ask?for=access&x=1"
LAW = policy(settings=settings(pages=Pages(brand="Ember & Co", support_url=SUPPORT)), navigation="page")
EVIL = "<script>alert(1)</script>\"'{{7*7}}"


def look(verdict, law=LAW, who=None, target="/orders/1", **fields):
    reply = answer(verdict, ask_with({**NAVIGATION, **fields}, target), law, who)
    return reply, Page(reply.body)


VERDICTS = [
    challenge(),
    challenge(Reason.SESSION_EXPIRED),
    deny(Reason.ROLE_MISSING, Cure(Act.GAIN_ROLE, roles=("admin",))),
    deny(Reason.CSRF_MISSING),
    Hide(deny(), "orders"),
    throttle(),
    malformed(Reason.PATH_AMBIGUOUS, "the path has a dot segment"),
    Unavailable("store", 5),
    Unavailable("upstream", 5, Reason.UPSTREAM_DOWN, 502),
    deny(Reason.METHOD_REFUSED, status=405, allow=("GET",)),
]


@pytest.mark.parametrize("tag", shipped())
def test_every_page_is_whole_in_every_language(tag):
    for verdict in VERDICTS:
        reply, seen = look(verdict, who=CAROL, **{"accept-language": tag})
        html = seen.all("html")[0]
        assert html == {"lang": tag, "dir": "rtl" if tag == "ar" else "ltr"}
        assert len(seen.all("h1")) == len(seen.all("main")) == 1
        assert "page." not in seen.text
        assert "title." not in seen.text
        assert "{" not in seen.text
        assert ID in seen.text
        assert reply.header("Content-Language") == tag
        assert reply.header("Content-Type") == "text/html; charset=utf-8"


@pytest.mark.parametrize("verdict", VERDICTS, ids=lambda v: v.reason)
def test_pages_run_nothing_and_load_nothing(verdict):
    reply, seen = look(verdict, who=CAROL)
    assert not seen.all("script") + seen.all("img") + seen.all("link") + seen.all("iframe")
    assert not [name for _, attrs in seen.tags for name in attrs if name.startswith("on") or name == "style"]
    law = reply.header("Content-Security-Policy")
    assert law.startswith("default-src 'none'; style-src 'sha256-")
    assert "frame-ancestors 'none'" in law
    assert "unsafe" not in law
    for style in re.findall(rb"<style>(.*?)</style>", reply.body, re.DOTALL):
        assert b64encode(sha256(style).digest()).decode() in law
    assert "url(" not in reply.body.decode()
    assert "@import" not in reply.body.decode()


def test_the_401_page_has_one_main_button_that_leads_back():
    _, seen = look(challenge(), target="/orders/1?a=b&c=d")
    buttons = [a for a in seen.all("a") if "button" in (a.get("class") or "")]
    assert [a["href"] for a in buttons] == ["/.doorward/login?next=%2Forders%2F1%3Fa%3Db%26c%3Dd"]
    assert "Authentication required" in seen.text
    assert "Please log in." in seen.text
    assert "Ember & Co" in seen.text
    assert SUPPORT in [a["href"] for a in seen.all("a")]


def test_a_401_page_without_a_login_page_offers_to_try_again_where_that_is_safe():
    law = policy(settings=settings(login_page=""))
    _, seen = look(challenge(), law)
    assert [a["href"] for a in seen.all("a")] == [""]
    posted = answer(challenge(), ask_with(NAVIGATION, method="POST"), law)
    assert Page(posted.body).all("a") == []


def test_the_401_page_of_an_ended_session_says_so():
    assert "Your session has expired. Please log in again." in look(challenge(Reason.SESSION_EXPIRED))[1].text


def test_the_403_page_says_who_you_are_and_what_is_missing_and_asks_for_no_password():
    reply, seen = look(VERDICTS[2], who=CAROL)
    assert "Access denied" in seen.text
    assert "You are Carol Fay." in seen.text
    assert "This needs the role admin." in seen.text
    assert not seen.all("input") + seen.all("form")
    links = [a["href"] for a in seen.all("a")]
    assert links.count(SUPPORT) == 2
    assert "/.doorward/login?next=%2Forders%2F1" in links
    assert not reply.header("WWW-Authenticate")


def test_the_403_page_tells_a_stranger_nothing():
    _, seen = look(VERDICTS[2])
    assert "admin" not in seen.text.replace("administrator", "")
    assert "You are" not in seen.text
    assert not [a for a in seen.all("a") if a["href"].startswith("/.doorward/login")]


def test_another_account_is_offered_by_setting():
    law = policy(settings=settings(pages=Pages(switch_account=False)))
    assert not [a for a in look(VERDICTS[2], law, CAROL)[1].all("a") if "login" in a["href"]]


@pytest.mark.parametrize(
    ("cure", "text"),
    [
        (Cure(Act.GAIN_GRANT, permission="write", object="document:7"), "This needs the permission write."),
        (Cure(Act.WIDEN_SCOPE, scopes=("a", "b")), "This needs the scope a, b."),
    ],
)
def test_other_needs_are_named_too(cure, text):
    assert text in look(deny(Reason.GRANT_MISSING, cure), who=CAROL)[1].text


def test_the_429_page_says_the_wait_in_words_without_script():
    assert "Try again in 30 seconds." in look(throttle())[1].text
    assert "через 1 час" in look(throttle(3600), **{"accept-language": "ru"})[1].text


@pytest.mark.parametrize("tag", shipped())
def test_a_page_says_nothing_twice(tag):
    for verdict in VERDICTS:
        reply, seen = look(verdict, who=CAROL, **{"accept-language": tag})
        heading = re.search(r"<h1>(.*?)</h1>", reply.body.decode())[1]
        lines = [line.strip() for line in seen.text.partition("·")[2].splitlines() if line.strip()]
        assert [line for line in lines if line.startswith(heading)] == [heading]


def test_the_429_page_counts_down_without_script_and_within_its_own_policy():
    reply, seen = look(throttle(75))
    assert b"from{--left:75;" in reply.body
    assert {"class": "wait", "aria-hidden": "true"} in seen.all("p")
    long, seen = look(throttle(7200))
    assert b"animation:wait 7200s" in long.body
    assert {"class": "wait", "aria-hidden": "true"} in seen.all("p")
    assert b"animation:wait 86400s" in look(throttle(10**9))[0].body
    for other in (challenge(), deny(), Unavailable("store", 5)):
        assert b"--left:" not in look(other)[0].body.partition(b"</style>")[2]


def test_the_400_page_says_which_part():
    _, seen = look(VERDICTS[6], **{"accept-language": "ar"})
    assert "The path has a dot segment." in seen.text
    assert {"class": "soft", "lang": "en", "dir": "ltr"} in seen.all("p")


def test_the_503_page_offers_to_try_again():
    _, seen = look(VERDICTS[7])
    assert "not your fault" in seen.text
    assert "" in [a["href"] for a in seen.all("a")]


def test_the_page_of_a_token_says_what_was_wrong_with_it_under_debug_alone():
    quiet, loud = look(challenge(Reason.TOKEN_AUDIENCE, SESSION, login=False)), policy(disclosure="debug")
    assert "The access token was not accepted." in quiet[1].text
    assert "token-audience" not in quiet[1].text
    assert "token-audience" in look(challenge(Reason.TOKEN_AUDIENCE, SESSION, login=False), loud)[1].text


@pytest.mark.parametrize("name", [EVIL, "كارول", "\u202eevil", "a" * 5000])
def test_a_name_can_neither_escape_nor_turn_the_text_around(name):
    reply, seen = look(VERDICTS[2], who=Principal("x", name=name))
    assert not seen.all("script")
    assert seen.all("bdi")
    assert "49" not in seen.text
    assert len(reply.body) < 16_000


def test_brand_role_note_and_way_back_are_escaped():
    law = policy(settings=settings(pages=Pages(brand=EVIL)), navigation="page")
    for verdict in (
        deny(Reason.ROLE_MISSING, Cure(Act.GAIN_ROLE, roles=(EVIL,))),
        malformed(Reason.HOST_BAD, EVIL),
        challenge(),
    ):
        assert not look(verdict, law, CAROL, target="/a?%22%3E<script>")[1].all("script")
    own = policy(Rule("orders", message={"en": EVIL}))
    assert EVIL in look(deny(), own)[1].text


@pytest.mark.parametrize("link", ["javascript:alert(1)", "data:text/html,x", " javascript:x", ""])
def test_a_support_link_that_is_none_is_left_out(link):
    law = policy(settings=settings(pages=Pages(support_url=link)))
    assert not [a for a in look(VERDICTS[2], law)[1].all("a") if ":" in a["href"]]


def test_pages_without_a_home_offer_none():
    law = policy(settings=settings(login_home=""), navigation="page")
    for verdict in (VERDICTS[2], VERDICTS[4]):
        assert "home page" not in look(verdict, law)[1].text
    reply = session_page(law, ask_with(NAVIGATION), CAROL, csrf="t", request_id=ID)
    assert "home page" not in Page(reply.body).text


def test_templates_of_the_operator_come_first(tmp_path):
    (tmp_path / "404.html").write_text("<!doctype html><style>p{color:red}</style><p>{{ sentence }}</p>")
    law = policy(settings=settings(pages=Pages(templates=str(tmp_path))))
    reply, seen = look(Hide(deny(), "orders"), law)
    assert seen.text.strip() == "Not found."
    digest = b64encode(sha256(b"p{color:red}").digest()).decode()
    assert f"style-src 'sha256-{digest}'" in reply.header("Content-Security-Policy")
    assert "Access denied" in look(deny(), law)[1].text


@pytest.mark.parametrize(
    "source",
    [
        "{{ 1/0 }}",
        "{% broken",
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ brand.format(x) + 1 }}",
        "\ufffe{{ t() }}",
    ],
)
def test_a_broken_or_hostile_template_is_replaced_by_the_shipped_one(tmp_path, source):
    (tmp_path / "403.html").write_text(source, encoding="utf-8")
    law = policy(settings=settings(pages=Pages(templates=str(tmp_path))))
    reply, seen = look(deny(), law)
    assert reply.status == 403
    assert "Access denied" in seen.text


def test_a_page_without_styles_allows_none():
    from doorward.wire.pages import content_policy

    assert "style-src 'none'" in content_policy(b"<p>")


def test_an_unknown_page_is_somebodys_mistake():
    from jinja2 import TemplateNotFound

    with pytest.raises(TemplateNotFound):
        page(LAW, "nothing", "en", {}, ID)


def test_documents_of_allowed_origins_carry_the_same_fields_as_other_refusals():
    law = policy(settings=settings(cors=Cors(frozenset({"https://app.example"}))))
    reply, _ = look(deny(), law, origin="https://app.example")
    assert reply.header("Access-Control-Allow-Origin") == "https://app.example"


def test_jinja_is_not_loaded_before_the_first_page():
    import subprocess
    import sys

    code = "import sys, doorward.wire.render; sys.exit('jinja2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
