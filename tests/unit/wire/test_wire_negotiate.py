"""Who asks, and what he wants."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wire_scene import NAVIGATION, OLD_BROWSER, SCRIPT, ask_with, of_pairs, policy, request

from doorward.wire.locale import shipped
from doorward.wire.negotiate import Kind, client_kind, language, media, ranges
from doorward.wire.wish import wish_of

TAGS = tuple(shipped())


@pytest.mark.parametrize(
    ("fields", "method", "kind"),
    [
        (NAVIGATION, "GET", Kind.NAVIGATION),
        (NAVIGATION, "POST", Kind.NAVIGATION),
        ({"sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe", "accept": "text/html"}, "GET", Kind.SCRIPT),
        ({"sec-fetch-mode": "navigate", "sec-fetch-dest": "object"}, "GET", Kind.SCRIPT),
        (SCRIPT, "GET", Kind.SCRIPT),
        ({"sec-fetch-site": "same-origin", "accept": "text/html"}, "GET", Kind.SCRIPT),
        ({"sec-fetch-user": "?1"}, "GET", Kind.SCRIPT),
        (OLD_BROWSER, "GET", Kind.NAVIGATION),
        (OLD_BROWSER, "HEAD", Kind.NAVIGATION),
        (OLD_BROWSER, "POST", Kind.API),
        ({**OLD_BROWSER, "x-requested-with": "XMLHttpRequest"}, "GET", Kind.SCRIPT),
        ({"x-requested-with": "xmlhttprequest"}, "GET", Kind.SCRIPT),
        ({**OLD_BROWSER, "x-requested-with": "com.example.app"}, "GET", Kind.API),
        ({"user-agent": "Mozilla/5.0", "accept": "*/*"}, "GET", Kind.SCRIPT),
        ({"user-agent": "Mozilla/5.0"}, "POST", Kind.SCRIPT),
        ({"user-agent": "curl/8", "accept": "*/*"}, "GET", Kind.API),
        ({}, "GET", Kind.API),
        ({"accept": "text/html;q=0"}, "GET", Kind.API),
        ({"accept": "application/json, text/html;q=0.5"}, "GET", Kind.API),
    ],
)
def test_navigation_script_and_program_are_told_apart(fields, method, kind):
    assert client_kind(ask_with(fields, method=method)) is kind


@pytest.mark.parametrize(
    ("fields", "method", "form"),
    [
        (NAVIGATION, "GET", "html"),
        (NAVIGATION, "POST", "html"),
        (OLD_BROWSER, "POST", "html"),
        ({**OLD_BROWSER, "x-requested-with": "XMLHttpRequest"}, "GET", "problem"),
        (SCRIPT, "GET", "problem"),
        ({**SCRIPT, "accept": "text/html, */*;q=0.1"}, "GET", "problem"),
        ({**SCRIPT, "accept": "text/html"}, "GET", "text"),
        ({}, "GET", "problem"),
        ({"accept": " "}, "GET", "problem"),
        ({"accept": "*/*"}, "GET", "problem"),
        ({"accept": "application/json"}, "GET", "problem"),
        ({"accept": "APPLICATION/JSON"}, "GET", "problem"),
        ({"accept": "application/vnd.api+json"}, "GET", "problem"),
        ({"accept": "application/*"}, "GET", "problem"),
        ({"accept": "text/plain"}, "GET", "text"),
        ({"accept": "text/plain, */*;q=0.1"}, "GET", "text"),
        ({"accept": "text/plain;q=0.1, */*"}, "GET", "problem"),
        ({"accept": "text/*"}, "GET", "text"),
        ({"accept": "image/png"}, "GET", "text"),
        ({"accept": "image/png, */*;q=0.1"}, "GET", "problem"),
        ({"accept": "application/json;q=0, */*"}, "GET", "text"),
        ({"accept": "application/json;q=0.2, text/html;q=0.9"}, "GET", "html"),
        ({"accept": "application/json, text/html;q=0.9"}, "GET", "problem"),
        ({"accept": "*/*;q=0"}, "GET", "text"),
        ({"accept": "application/json", "content-type": "application/grpc+proto"}, "POST", "text"),
        ({**NAVIGATION, "content-type": "application/grpc"}, "POST", "text"),
    ],
)
def test_the_form_follows_what_is_accepted(fields, method, form):
    assert media(ask_with(fields, method=method)) == form


def test_two_accept_fields_are_one_list():
    split = of_pairs([("host", "shop.example"), ("accept", "image/png"), ("accept", "text/plain;q=0.1, */*")])
    assert media(split) == "problem"
    assert wish_of(policy(), split).form == "problem"


@pytest.mark.parametrize(
    ("wished", "tag"),
    [
        ("", "en"),
        ("uk-UA,uk;q=0.9", "uk"),
        ("ru", "ru"),
        ("pt", "pt-BR"),
        ("pt-PT", "pt-BR"),
        ("PT-br", "pt-BR"),
        ("zh", "zh-Hans"),
        ("zh-CN", "zh-Hans"),
        ("zh-Hans-CN", "zh-Hans"),
        ("zh-TW", "en"),
        ("zh-Hant", "en"),
        ("zh-HK, ja;q=0.5", "ja"),
        ("de-CH-1996", "de"),
        ("fr;q=0.2, es;q=0.8", "es"),
        ("es;q=0, fr;q=0.1", "fr"),
        ("es;q=0, es-MX", "en"),
        ("ru;q=0", "en"),
        ("tlh, *;q=0.1", "en"),
        ("*", "en"),
        ("en;q=0, *", "ru"),
        ("en;q=0, *;q=0", "en"),
        ("xx", "en"),
        ("ar-EG", "ar"),
        ("fr;q=2", "en"),
        ("fr;q=nan, de", "de"),
        (";;;,,,=q", "en"),
    ],
)
def test_the_language_is_looked_up(wished, tag):
    assert language(request(accept_language=wished), "en", TAGS) == tag


def test_the_default_is_the_configured_one():
    assert language(request(), "uk", TAGS) == "uk"
    assert language(request(accept_language="xx"), "uk", TAGS) == "uk"


def test_lists_are_cut_and_unreadable_qualities_count_as_nothing():
    assert len(ranges(",".join("a" for _ in range(1000)))) == 32
    assert ranges("a;q=.5, b;q=1.000, c;q=x, d;v=1;q=0.9") == [("b", 1.0), ("d", 0.9), ("a", 0.5), ("c", 0.0)]


FIELD = st.text(st.characters(min_codepoint=1, max_codepoint=255), max_size=80)
LIKELY = st.text("abzh-*;q=0.1,/+ \txtml", max_size=40)


@given(FIELD | LIKELY, FIELD | LIKELY, FIELD | LIKELY, FIELD)
def test_whatever_arrives_nothing_raises_and_the_answer_is_one_of_ours(accept, tongue, origin, agent):
    asked = request(accept=accept, accept_language=tongue, origin=origin, user_agent=agent)
    assert media(asked) in ("html", "problem", "text")
    assert language(asked, "en", TAGS) in TAGS
    wish = wish_of(policy(), asked)
    assert (wish.kind, wish.form, wish.origin) == (client_kind(asked), media(asked), "")


def test_wishes_are_remembered_but_not_for_long_fields():
    law = policy()
    assert wish_of(law, request(accept="*/*")) is wish_of(law, request("/else", accept="*/*"))
    long = request(accept="*/*", user_agent="x" * 5000, accept_language="en," * 300)
    assert wish_of(law, long) is not wish_of(law, long)
    assert wish_of(law, long) == wish_of(law, request(accept="*/*"))


def test_every_field_that_counts_is_part_of_the_memory():
    law = policy()
    kinds = {
        wish_of(law, ask_with(fields, method=method)).key
        for fields in (NAVIGATION, SCRIPT, OLD_BROWSER, {}, {"accept": "text/plain"}, {"accept-language": "ru"})
        for method in ("GET", "POST")
    }
    assert len(kinds) == 6  # html navigation, html API (POST), script, API problem, text, Russian
