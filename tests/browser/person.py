"""What a person does at our login form."""

from __future__ import annotations


def fill(tab, name, password):
    """Type into the form as it stands: the keyboard is in the first empty field, once the page is drawn."""
    tab.until(lambda: tab.focus in ("username", "password"))
    if tab.focus == "username":
        tab.write(name)
        tab.press("Tab")
    assert tab.focus == "password"
    tab.write(password)
    with tab.loading():
        tab.press("Enter")


def log_in(tab, door, name="carol", page="/orders/7"):
    tab.go(door.url + page)
    fill(tab, name, f"pw-{name}")
