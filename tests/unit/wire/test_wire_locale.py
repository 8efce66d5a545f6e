"""Texts in eleven languages."""

from __future__ import annotations

import json

import pytest
from wire_scene import answer, body, challenge, deny, policy, request, settings, throttle

from doorward.core.reason import Code
from doorward.wire.locale import Catalog, direction, shipped
from doorward.wire.plural import category
from doorward.wire.shown import LEGAL

NUMBERS = (0, 1, 2, 3, 5, 11, 21, 22, 25, 60, 100, 101, 102, 111, 3600)
EAST = "many one few few many many one few many many many one few many many"
TABLE = {
    "en": "other one other other other other other other other other other other other other other",
    "de": "other one other other other other other other other other other other other other other",
    "es": "other one other other other other other other other other other other other other other",
    "fr": "one one other other other other other other other other other other other other other",
    "pt-BR": "one one other other other other other other other other other other other other other",
    "ru": EAST,
    "uk": EAST,
    "pl": "many one few few many many many few many many many many few many many",
    "ar": "zero one two few few many many many many many other other other many other",
    "ja": " ".join(["other"] * 15),
    "zh-Hans": " ".join(["other"] * 15),
}


@pytest.mark.parametrize("tag", TABLE)
def test_plural_categories_are_those_of_the_table(tag):
    assert " ".join(category(tag, n) for n in NUMBERS) == TABLE[tag]


def test_millions_are_many_in_romance_languages_and_unknown_languages_have_one_form():
    assert [category(tag, 2_000_000) for tag in ("es", "fr", "pt-BR", "en")] == ["many", "many", "many", "other"]
    assert category("tlh", 1) == "other"


def test_all_languages_have_the_same_keys_and_the_same_places_for_values():
    texts = shipped()
    assert list(texts) == ["en", "ru", "uk", "es", "de", "fr", "pl", "pt-BR", "zh-Hans", "ja", "ar"]
    for tag, table in texts.items():
        assert table.keys() == texts["en"].keys()
        for key, value in table.items():
            if isinstance(value, str):
                assert value.strip() == value != "", (tag, key)
                assert value.count("{") == texts["en"][key].count("{"), (tag, key)
            else:
                assert set(value) == {category(tag, n) for n in range(200)} | set(value) & {"many", "other"}, (tag, key)


def test_the_seven_reviewed_texts_are_verbatim(shared):
    given = json.loads((shared / "reference" / "messages.json").read_text(encoding="utf-8"))
    for tag, table in given.items():
        assert {key: shipped()[tag][key] for key in table} == table


def test_every_public_code_has_a_title_and_a_sentence_in_every_language():
    for code in (*Code, LEGAL):
        for tag in shipped():
            assert Catalog().text(tag, f"title.{code}") != f"title.{code}"


@pytest.mark.parametrize("tag", TABLE)
def test_each_language_gets_its_texts(tag):
    asked = request(accept="application/json", accept_language=tag)
    for verdict, key in ((challenge(), "auth_required"), (deny(), "access_denied")):
        reply = answer(verdict, asked)
        assert body(reply)["message"] == shipped()[tag][key]
        assert reply.header("Content-Language") == tag
        assert "Accept-Language" in reply.header("Vary")


def test_the_spanish_of_a_401_is_spanish():
    said = body(answer(challenge(), request(accept="*/*", accept_language="es-MX")))["message"]
    assert said == "Autenticación requerida: inicie sesión."


def test_an_unknown_language_gets_english():
    reply = answer(challenge(), request(accept="*/*", accept_language="tlh"))
    assert body(reply)["message"] == "Authentication required – please log in."
    assert reply.header("Content-Language") == "en"


def test_arabic_is_written_from_the_right():
    assert [direction(tag) for tag in ("ar", "ar-EG", "he", "en", "ru")] == ["rtl", "rtl", "rtl", "ltr", "ltr"]


@pytest.mark.parametrize(
    ("seconds", "english", "russian", "arabic"),
    [
        (1, "1 second.", "1 секунду.", "ثانية واحدة."),
        (2, "2 seconds.", "2 секунды.", "ثانيتين."),
        (21, "21 seconds.", "21 секунду.", "21 ثانيةً."),
        (119, "119 seconds.", "119 секунд.", "119 ثانيةً."),
        (120, "2 minutes.", "2 минуты.", "دقيقتين."),
        (121, "3 minutes.", "3 минуты.", "3 دقائق."),
        (1260, "21 minutes.", "21 минуту.", "21 دقيقةً."),
        (3599, "1 hour.", "1 час.", "ساعة واحدة."),
        (3600, "1 hour.", "1 час.", "ساعة واحدة."),
        (5400, "90 minutes.", "90 минут.", "90 دقيقةً."),
        (7200, "2 hours.", "2 часа.", "ساعتين."),
        (18_001, "6 hours.", "6 часов.", "6 ساعات."),
        (10**9, "24 hours.", "24 часа.", "24 ساعةً."),
    ],
)
def test_waits_are_said_in_words_and_never_too_short(seconds, english, russian, arabic):
    for tag, end in (("en", english), ("ru", russian), ("ar", arabic)):
        assert Catalog().wait(tag, seconds).endswith(end)


def test_an_hour_of_waiting_is_called_an_hour_whatever_the_status():
    for status in (429, 403):
        said = body(answer(throttle(3600, status=status)))["message"]
        assert said == "Too many requests. Try again in 1 hour."


def test_overrides_replace_texts_one_by_one_and_may_add_a_language():
    texts = {"en": {"auth_required": "Login required"}, "eo": {"access_denied": "Aliro rifuzita."}}
    law = policy(settings=settings(messages=texts))
    assert body(answer(challenge(), under=law))["message"] == "Login required"
    assert body(answer(deny(), under=law))["message"] == "Access denied – contact your administrator."
    esperanto = request(accept="*/*", accept_language="eo")
    assert body(answer(deny(), esperanto, law))["message"] == "Aliro rifuzita."
    assert body(answer(challenge(), esperanto, law))["message"] == "Login required"
    assert answer(deny(), esperanto, law).header("Content-Language") == "eo"


def test_overrides_of_the_wrong_shape_are_left_out():
    catalog = Catalog({"en": {"auth_required": 5, "rate_limited": {"one": "x"}, "csrf": ["a"]}})
    assert catalog.text("en", "auth_required") == "Authentication required – please log in."
    assert catalog.wait("en", 1) == "Too many requests. Try again in 1 second."


def test_counted_texts_bear_an_override_without_forms_and_keys_nobody_knows():
    catalog = Catalog({"en": {"rate_limited": "Wait {n}."}, "eo": {"rate_limited": {"other": "{n} sekundoj"}}})
    assert catalog.wait("en", 3) == "Wait 3."
    assert catalog.wait("eo", 1) == "1 sekundoj"
    assert catalog.wait("ru", 3).endswith("3 секунды.")
    assert (catalog.counted("en", "nothing", 1), catalog.text("en", "nothing")) == ("nothing", "nothing")
    assert catalog.text("en", "rate_limited_hours") == "rate_limited_hours"


def test_a_language_without_plural_forms_uses_the_english_ones():
    catalog = Catalog({"pl-x": {"csrf": "x"}})
    assert catalog.wait("pl-x", 1).endswith("1 second.")
