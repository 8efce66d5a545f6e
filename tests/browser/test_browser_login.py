"""Logging in and out in a real browser: what a person at the keyboard lives through."""

from __future__ import annotations

import pytest
from person import fill, log_in

pytestmark = pytest.mark.browser

SESSION, VISITOR = "__Host-doorward", "__Host-doorward-login"


def test_a_page_that_needs_a_login_leads_there_and_back(door, tab):
    tab.go(f"{door.url}/orders/7?a=b&c=%20d")
    assert tab.where == f"{door.url}/.doorward/login?next=%2Forders%2F7%3Fa%3Db%26c%3D%2520d"
    assert tab.answers[f"{door.url}/orders/7?a=b&c=%20d"] == 303
    fill(tab, "carol", "pw-carol")
    assert tab.where == f"{door.url}/orders/7?a=b&c=%20d"
    assert tab.run("document.querySelector('#who').textContent") == "carol"
    assert [url for _, url in tab.asked if not url.startswith(door.url)] == []
    assert not [url for _, url in tab.asked if "pw-carol" in url]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_the_browser_keeps_the_session_on_plain_http_of_this_machine_out_of_reach_of_scripts(door, tab, host):
    here = door.url.replace("127.0.0.1", host)
    tab.go(f"{here}/orders/7")
    fill(tab, "carol", "pw-carol")
    assert tab.where == f"{here}/orders/7"
    kept = tab.cookies()[SESSION]
    assert (kept["httpOnly"], kept["secure"], kept["sameSite"], kept["path"]) == (True, True, "Lax", "/")
    assert kept["domain"] == host
    assert SESSION not in tab.run("document.cookie")


def test_a_wrong_password_is_told_and_only_the_password_is_typed_again(door, tab):
    tab.go(f"{door.url}/orders/7")
    fill(tab, "wanda", "wrong")
    assert tab.run("document.querySelector('[role=alert]').innerText") == "The user name or password is incorrect."
    assert tab.answers[f"{door.url}/.doorward/login"] == 401
    assert tab.run("document.querySelector('#username').value") == "wanda"
    assert tab.run("document.querySelector('#password').value") == ""
    fill(tab, "wanda", "pw-wanda")
    assert tab.where == f"{door.url}/orders/7"


def test_the_keyboard_alone_reaches_everything_in_the_order_of_the_page(door, tab):
    tab.go(f"{door.url}/.doorward/login")
    tab.until(lambda: tab.focus == "username")
    order = [tab.focus]
    for _ in range(3):
        tab.press("Tab")
        outline = tab.run(
            "(s => [s.outlineStyle, parseFloat(s.outlineWidth)])(getComputedStyle(document.activeElement))"
        )
        assert outline[0] != "none"
        assert outline[1] >= 2
        order.append(tab.focus)
    assert order == ["username", "password", "button Log in", "a Contact support"]
    tab.go(f"{door.url}/.doorward/login")
    tab.until(lambda: tab.focus == "username")
    tab.write("carol")
    tab.press("Tab")
    tab.write("pw-carol")
    tab.press("Tab")
    with tab.loading():
        tab.press("Space")
    assert SESSION in tab.cookies()


def test_logging_out_ends_it_and_going_back_shows_nothing(door, tab):
    log_in(tab, door)
    tab.go(f"{door.url}/.doorward/session")
    assert "You are logged in as carol." in tab.text
    with tab.loading():
        tab.click("form button")
    assert "You are logged out." in tab.text
    assert SESSION not in tab.cookies()
    with tab.loading():
        tab.run("history.back()")
    assert "carol" not in tab.text
    tab.go(f"{door.url}/orders/7")
    assert "/.doorward/login" in tab.where


def test_another_account_may_be_used_where_one_lacks_a_role(door, tab):
    log_in(tab, door)
    tab.go(f"{door.url}/admin/settings")
    assert "You are carol." in tab.text
    assert "This needs the role admin." in tab.text
    assert tab.run("document.querySelectorAll('input').length") == 0
    with tab.loading():
        tab.click("a[href^='/.doorward/login']")
    old = tab.cookies()[SESSION]["value"]
    fill(tab, "alice", "pw-alice")
    assert tab.where == f"{door.url}/admin/settings"
    assert tab.run("document.querySelector('#who').textContent") == "alice"
    assert tab.cookies()[SESSION]["value"] != old


def test_two_windows_may_show_the_form_and_both_lead_on(door, tab):
    tab.go(f"{door.url}/orders/1")
    token = tab.run("document.querySelector('[name=csrf]').value")
    log_in(tab, door, page="/orders/2")
    fields = f"{{csrf: '{token}', username: 'carol', password: 'pw-carol'}}"
    sent = f"fetch('/.doorward/login', {{method: 'POST', body: new URLSearchParams({fields})}})"
    assert tab.run(f"{sent}.then(r => r.status)") == 200


def test_a_browser_that_returns_no_cookie_is_told_so_and_not_sent_around(door, tab):
    tab.go(f"{door.url}/orders/7")
    tab.call("Network.clearBrowserCookies")
    fill(tab, "carol", "pw-carol")
    assert tab.answers[f"{door.url}/.doorward/login"] == 403
    assert "Your browser did not send back our cookie" in tab.text
    fill(tab, "carol", "pw-carol")
    assert tab.where == f"{door.url}/orders/7"


def test_a_login_leads_on_where_the_application_redirects_to_another_origin(door, shop, tab):
    log_in(tab, door, page="/away")
    assert tab.where == f"{shop}/landed"


def test_a_session_that_was_ended_elsewhere_leads_to_the_login_and_says_why(door, tab):
    log_in(tab, door, "wanda")
    done = door.cli("session", "revoke", "--all", "wanda")
    assert done.returncode == 0, done.stderr
    tab.until(lambda: tab.go(f"{door.url}/orders/7") or "/.doorward/login" in tab.where)
    assert "Your session has expired." in tab.text


def test_too_many_tries_say_how_long_and_count_down(door, tab):
    tab.go(f"{door.url}/.doorward/login")
    for _ in range(6):
        fill(tab, "theodor", "wrong")
    assert tab.answers[f"{door.url}/.doorward/login"] == 429
    assert "Try again in" in tab.run("document.querySelector('[role=alert]').innerText")
    shown = "getComputedStyle(document.querySelector('.wait'), '::after').counterReset"
    first = tab.run(shown)
    tab.until(lambda: tab.run(shown) != first)


def test_a_foreign_page_cannot_log_anybody_in(door, shop, tab):
    tab.go(f"{shop}/trap?to={door.url}/.doorward/login")
    with tab.loading():
        tab.click("button")
    assert tab.answers[f"{door.url}/.doorward/login"] == 403
    assert SESSION not in tab.cookies()


def test_a_foreign_page_cannot_post_or_log_out_with_the_session_of_the_browser(door, shop, tab):
    log_in(tab, door)
    for path in ("/orders/7", "/.doorward/logout"):
        tab.go(f"{shop}/trap?to={door.url}{path}")
        with tab.loading():
            tab.click("button")
        assert tab.answers[f"{door.url}{path}"] == 403
    tab.go(f"{door.url}/orders/7")
    assert tab.where == f"{door.url}/orders/7"


def test_a_form_sent_after_the_session_ended_gets_our_page_and_no_dialogue(door, tab):
    log_in(tab, door, page="/orders/7?to=/orders/8")
    tab.call("Network.clearBrowserCookies")
    with tab.loading():
        tab.click("button")
    assert tab.answers[f"{door.url}/orders/8"] == 401
    assert "Please log in." in tab.text
    with tab.loading():
        tab.click("a.button")
    assert tab.where == f"{door.url}/.doorward/login"


def test_a_form_of_the_application_works_as_ever(door, tab):
    log_in(tab, door, page="/orders/7?to=/orders/8")
    with tab.loading():
        tab.click("button")
    assert tab.run("document.querySelector('h1').textContent") == "/orders/8"
    assert tab.run("document.querySelector('#method').textContent") == "POST"


def test_no_page_of_ours_can_be_framed(door, shop, tab):
    tab.go(f"{shop}/frame")
    tab.run(f"document.body.innerHTML = '<iframe src=\"{door.url}/.doorward/login\"></iframe>'")
    tab.until(lambda: any("frame-ancestors" in line for line in tab.log))
    tab.log.clear()
