"""Every page that people see, as they see it: wide and narrow, light and dark, in both directions, by keyboard."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from audit import AUDIT
from person import fill, log_in

pytestmark = pytest.mark.browser

LOOKS = {
    "wide": {},
    "narrow": {"width": 320, "height": 640},
    "dark": {"dark": True},
    "contrast": {"contrast": True},
    "dark contrast": {"contrast": True, "dark": True},
    "arabic": {"language": "ar", "width": 320, "height": 640, "dark": True},
    "russian": {"language": "ru", "width": 320, "height": 640},
}
SHOTS = os.environ.get("DOORWARD_SHOTS", "")
"""A folder for pictures of every page, for whoever wants to judge them; "" for none."""


def judge(tab, name):
    if SHOTS:
        tab.picture(Path(SHOTS) / f"{name}.png")
    assert tab.run(AUDIT) == [], name


@pytest.mark.parametrize("look", LOOKS)
def test_every_page_can_be_read_reached_and_hit(door, tab, look):
    tab.look(**LOOKS[look])
    tab.go(f"{door.url}/orders/7")
    judge(tab, f"login-{look}")
    fill(tab, f"nobody-{look}", "wrong")
    judge(tab, f"login-failed-{look}")
    log_in(tab, door)
    for page, name in (
        ("/.doorward/session", "session"),
        ("/.doorward/login?next=/orders/7", "login-already"),
        ("/.doorward/login?why=again", "login-again"),
        ("/.doorward/login?why=expired", "login-expired"),
        ("/.doorward/login?why=out", "login-out"),
        ("/admin/settings", "403"),
        ("/admin/secret", "404"),
        ("/orders/a%2fb", "400"),
    ):
        tab.go(door.url + page)
        judge(tab, f"{name}-{look}")
    tab.until(lambda: tab.go(f"{door.url}/narrow") or tab.answers[f"{door.url}/narrow"] == 429)
    judge(tab, f"429-{look}")
    assert [url for _, url in tab.asked if not url.startswith(door.url)] == []


LARGER = "document.documentElement.style.fontSize = '200%'"
WIDER = """document.querySelectorAll('*').forEach(e => Object.assign(e.style,
    {letterSpacing: '.12em', wordSpacing: '.16em', lineHeight: '1.5'}))"""


@pytest.mark.parametrize("change", [LARGER, WIDER], ids=["text twice as large", "text spaced out"])
@pytest.mark.parametrize("language", ["en", "de", "ru"])
def test_pages_bear_larger_and_wider_text(door, tab, change, language):
    """WCAG 2.2, 1.4.4 and 1.4.12: nothing is cut off, nothing has to be scrolled sideways."""
    tab.look(width=640, language=language)
    for page in ("/.doorward/login?why=expired", "/nothing-here", "/orders/a%2fb"):
        tab.go(door.url + page)
        tab.run(f"void ({change})")
        assert tab.run("document.documentElement.scrollWidth - innerWidth") <= 0
        cut = "[...document.querySelectorAll('main *, footer *')].filter(e => e.scrollWidth > e.clientWidth + 1)"
        assert tab.run(f"{cut}.filter(e => getComputedStyle(e).display !== 'inline').map(e => e.outerHTML)") == []


def test_an_arabic_page_runs_from_right_to_left_and_its_id_from_left_to_right(door, tab):
    tab.look(language="ar")
    tab.go(f"{door.url}/nothing-here")
    assert tab.run("getComputedStyle(document.body).direction") == "rtl"
    assert tab.run("getComputedStyle(document.querySelector('.id bdi')).direction") == "ltr"


def test_dark_and_light_are_two_grounds(door, tab):
    grounds = set()
    for dark in (False, True):
        tab.look(dark=dark)
        tab.go(f"{door.url}/.doorward/login")
        grounds.add(tab.run("getComputedStyle(document.body).backgroundColor"))
    assert len(grounds) == 2


def test_a_hidden_page_looks_like_an_absent_one(door, tab):
    log_in(tab, door)
    seen = []
    for path in ("/admin/secret", "/admin-nothing-here"):
        tab.go(door.url + path)
        seen.append(tab.run("document.documentElement.outerHTML.replace(/[0-9a-f]{8}-[0-9a-f-]{27}/, 'ID')"))
    assert seen[0] == seen[1]
