"""What a script in a page gets: an answer at once, never a dialogue, never the login page as data."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.browser


def test_a_script_gets_its_401_at_once_and_no_dialogue(door, tab):
    tab.go(f"{door.url}/")
    asked = "fetch('/orders/7').then(r => [r.status, r.headers.get('WWW-Authenticate'), r.redirected, r.url])"
    status, lines, redirected, url = tab.run(asked)
    assert (status, redirected, url) == (401, False, f"{door.url}/orders/7")
    assert "Session" in lines
    assert "Basic" not in lines


def test_an_old_script_gets_its_401_at_once_too(door, tab):
    tab.go(f"{door.url}/")
    script = """new Promise(done => { const x = new XMLHttpRequest(); x.open('GET', '/orders/7');
        x.onloadend = () => done([x.status, JSON.parse(x.responseText).code]); x.send(); })"""
    assert tab.run(script) == [401, "authentication-required"]


@pytest.mark.parametrize("tag", ["img", "script", "iframe", "embed"])
def test_parts_of_a_page_are_refused_where_they_are(door, tab, tag):
    tab.go(f"{door.url}/")
    made = f"const e = document.createElement('{tag}'); e.src = '/orders/part-{tag}'; document.body.append(e)"
    tab.run(f"(() => {{ {made} }})()")
    tab.until(lambda: f"{door.url}/orders/part-{tag}" in tab.answers)
    assert tab.answers[f"{door.url}/orders/part-{tag}"] == 401
    assert not [url for _, url in tab.asked if "/.doorward/login" in url]
    tab.log.clear()  # the browser says in the console that a refusal is no script


def test_a_script_logs_in_asks_who_is_here_posts_and_logs_out(door, tab):
    tab.go(f"{door.url}/")
    body = "JSON.stringify({username: 'carol', password: 'pw-carol'})"
    sent = f"{{method: 'POST', headers: {{'Content-Type': 'application/json'}}, body: {body}}}"
    first = tab.run(f"fetch('/.doorward/login', {sent}).then(r => r.json())")
    assert (first["name"], first["roles"]) == ("carol", ["customer"])
    assert tab.run("fetch('/.doorward/session').then(r => r.json())") == first
    token = f"{{method: 'POST', headers: {{'X-CSRF-Token': '{first['csrf_token']}'}}}}"
    assert tab.run(f"fetch('/orders/7', {token}).then(r => r.status)") == 200
    wrong = "{method: 'POST', headers: {'X-CSRF-Token': 'wrong'}}"
    assert tab.run(f"fetch('/orders/7', {wrong}).then(r => r.status)") == 403
    assert tab.run(f"fetch('/.doorward/logout', {token}).then(r => r.status)") == 204
    assert tab.run("fetch('/.doorward/session').then(r => r.status)") == 401


def test_a_script_of_another_origin_learns_nothing(door, shop, tab):
    tab.go(f"{shop}/")
    asked = f"fetch('{door.url}/orders/7', {{credentials: 'include'}}).then(r => r.status, e => 'blocked')"
    assert tab.run(asked) == "blocked"
    body = "{method: 'POST', headers: {'Content-Type': 'application/json'}, body: '{}', credentials: 'include'}"
    assert tab.run(f"fetch('{door.url}/.doorward/login', {body}).then(r => r.status, e => 'blocked')") == "blocked"
    tab.log.clear()  # the browser says in the console that it blocked them
