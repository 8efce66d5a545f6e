"""Answers of our own endpoints that are no refusals."""

from __future__ import annotations

import json

from doorward.wire import plain


def test_nothing_of_ours_is_stored_but_what_is_published():
    replies = [
        plain.text(b"x"),
        plain.data({"a": "ä"}, [("X-A", "1")]),
        plain.allowed([("X-Doorward-User", "carol")]),
        plain.see_other("/home", [("Set-Cookie", "a=b")]),
        plain.done(),
        plain.not_ready("store"),
    ]
    assert [reply.status for reply in replies] == [200, 200, 200, 303, 204, 503]
    assert {reply.header("Cache-Control") for reply in replies} == {"no-store"}
    assert json.loads(replies[1].body) == {"a": "ä"}
    assert (replies[1].header("X-A"), replies[3].header("Location")) == ("1", "/home")
    assert json.loads(replies[5].body) == {"ready": False, "why": "store"}
    assert plain.published({"keys": []}).header("Cache-Control") == "public, max-age=300"
