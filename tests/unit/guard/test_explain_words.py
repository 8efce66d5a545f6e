"""Explanations: which step refused, evidence, what would pass, and whether it would today (first-minute.md 3, 4)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from record_scene import known, scene, world

from doorward.core.ask import Rejected
from doorward.core.cure import Act, Cure
from doorward.core.policy import Owner
from doorward.core.principal import Principal
from doorward.core.reason import Code, Reason
from doorward.guard.explain import Explanation, of_rehearsal
from doorward.guard.rehearse import Presented, rehearse
from doorward.guard.remedy import Attempt, words
from doorward.guard.telling import span, why_this_status
from doorward.ledger.event import AuditEvent
from kit import NOW, Vantage, bearer_auth, gate, hours, networks, policy, rule, view

RULES = scene()
OLGA, CAROL, ALICE = known(), known("13", "", name="carol"), known("1", "admin", name="alice")
ID = "019ab697-e871-7000-8000-000000000001"


def told(
    method: str, target: str, *fields: Any, who: Principal | Presented | None = None, rules: Any = RULES, **more: Any
) -> Explanation:
    """The explanation of a rehearsal."""
    attempt, answers = Attempt(view(method, target, *fields, **more), who), world().answers
    return of_rehearsal(rules, attempt, rehearse(rules, attempt.view, who, answers), answers, ID)


def steps(found: Explanation) -> dict[str, str]:
    return {step.name: step.text for step in found.steps}


def last(found: Explanation) -> tuple[str, str]:
    assert [step.name for step in found.steps if not step.good] == [found.steps[-1].name]
    return found.steps[-1].name, found.steps[-1].text


def way(found: Explanation) -> list[tuple[str, bool]]:
    return [(each.text, each.checked) for each in found.ways]


def test_not_owner_names_the_owner_the_caller_and_the_role_that_would_do() -> None:
    """A1-54: explain PUT /users/123 --as 456 -> "owner is 123"; --as admin -> allowed. A0-4."""
    found = told("PUT", "/own/7", who=OLGA)
    assert last(found) == ("authorise", "owner of 7? no, olga is 12      role admin? no, olga has editor")
    assert way(found) == [("the caller were 7", True), ("olga had role admin", True)]
    assert found.answer == ("403 without WWW-Authenticate: logging in again cannot help",)
    assert (found.title, found.codes) == ("403 Forbidden", "access-denied / not-owner")
    assert told("PUT", "/own/7", who=ALICE).allowed


def test_every_step_before_tells_what_it_saw() -> None:
    assert steps(told("PUT", "/own/7", who=OLGA)) == {
        "parse": "/own/7",
        "tls": "http, within this machine",
        "gates": "embargo, sensitive-files",
        "match": "own (/own/{id})",
        "authenticate": "session, olga, subject 12, roles editor",
        "csrf": "Sec-Fetch-Site: same-origin",
        "authorise": "owner of 7? no, olga is 12      role admin? no, olga has editor",
    }


@pytest.mark.parametrize(
    ("request_", "who", "step", "evidence", "ways"),
    [
        (
            ("GET", "/admin/x"),
            CAROL,
            "authorise",
            "role admin or editor? no, carol has none",
            [("carol had role admin or editor", True)],
        ),
        (
            ("GET", "/admin/x"),
            None,
            "authenticate",
            "no credentials; taken here: bearer, session, apikey, basic",
            [
                (
                    (
                        "valid credentials were sent (bearer or session or apikey or basic), "
                        "and the caller had role admin or editor"
                    ),
                    True,
                )
            ],
        ),
        (
            ("GET", "/docs/7"),
            CAROL,
            "authorise",
            "read on document:7? no, neither carol nor a role holds it",
            [("carol held read on document:7", True)],
        ),
        (
            ("GET", "/scoped"),
            replace(CAROL, scheme="bearer", scopes=frozenset({"x"})),
            "scope",
            "scope orders:read and orders:write? no, the credential has x",
            [("the credential had scope orders:read and orders:write", True)],
        ),
        (
            ("GET", "/pay"),
            replace(CAROL, auth_time=NOW - 720),
            "step-up",
            "logged in 12 min ago; at most 5 min are taken",
            [("carol had logged in within the last 300 s", True)],
        ),
        (
            ("GET", "/pay"),
            replace(CAROL, scheme="apikey"),
            "step-up",
            "when the login was is not known; at most 5 min are taken",
            [("carol had logged in within the last 300 s", True)],
        ),
        (
            ("GET", "/office"),
            CAROL,
            "authorise",
            "open only to 10.0.0.0/8",
            [("it came from 10.0.0.0/8", True)],
        ),
        (
            ("GET", "/night"),
            CAROL,
            "authorise",
            "closed now; opens 2025-11-25 01:00 UTC",
            [("it came at 2025-11-25 01:00 UTC or later", True)],
        ),
        (("GET", "/nobody"), CAROL, "match", "the rule lets nobody in", []),
        (
            ("GET", "/nope"),
            CAROL,
            "match",
            "no rule names this path",
            [('a rule named this path (default = "deny")', False)],
        ),
        (
            ("PATCH", "/docs/7"),
            CAROL,
            "authorise",
            "rules name this path, none takes PATCH",
            [("a rule took PATCH on this path", False)],
        ),
        (
            ("GET", "/.env"),
            None,
            "gates",
            "sensitive-files: a file that deployments leave lying about; no rule names it",
            [("a rule named this very path, or [gates] sensitive_files were false", False)],
        ),
        (
            ("GET", "/a//b"),
            None,
            "parse",
            "the path has an empty segment ('//')",
            [("it were sent without this fault: the path has an empty segment ('//')", False)],
        ),
        (
            ("PUT", "/own/12", {"origin": "https://evil.example"}),
            OLGA,
            "csrf",
            (
                "Origin: https://evil.example, no Sec-Fetch-Site, no X-CSRF-Token; "
                "the browser attached the credential by itself"
            ),
            [
                (
                    "the request proved that it comes from a page of ours (Origin, Sec-Fetch-Site or X-CSRF-Token)",
                    True,
                )
            ],
        ),
        (
            ("PUT", "/own/12", {"x-csrf-token": "guess", "sec-fetch-site": "same-origin"}),
            OLGA,
            "csrf",
            "the X-CSRF-Token is not the one of this session",
            [
                (
                    "the request proved that it comes from a page of ours (Origin, Sec-Fetch-Site or X-CSRF-Token)",
                    True,
                )
            ],
        ),
        (
            ("GET", "/own/12"),
            Presented("session", Rejected(Reason.SESSION_EXPIRED, expired=True)),
            "authenticate",
            "session: the session is over",
            [("the caller logged in again, and the caller were 12", True)],
        ),
        (
            ("GET", "/pay"),
            Presented("bearer", Rejected(Reason.TOKEN_EXPIRED, expired=True)),
            "authenticate",
            "bearer: token-expired",
            [("the token were renewed", True)],
        ),
        (
            ("GET", "/pay"),
            Presented("apikey", Rejected(Reason.ACCOUNT_DISABLED, subject="13", disabled=True)),
            "authenticate",
            "apikey: the account is disabled (of 13)",
            [
                ("the account were enabled (doorward user enable)", False),
                ("valid credentials were sent (bearer or session or apikey or basic)", True),
            ],
        ),
        (
            ("GET", "/admin/x", {"authorization": "Digest x"}),
            None,
            "authenticate",
            "digest credentials, which are not taken; taken here: bearer, session, apikey, basic",
            [
                (
                    (
                        "valid credentials were sent (bearer or session or apikey or basic), "
                        "and the caller had role admin or editor"
                    ),
                    True,
                )
            ],
        ),
        (
            ("GET", "/hidden/x"),
            CAROL,
            "authorise",
            "role admin? no, carol has none",
            [("carol had role admin", True)],
        ),
    ],
    ids=lambda value: None,
)
def test_each_refusal_tells_its_step_its_evidence_and_its_cure(
    request_: Any, who: Any, step: str, evidence: str, ways: list[tuple[str, bool]]
) -> None:
    """A1-58: explain text of each code."""
    found = told(*request_, who=who)
    assert last(found) == (step, evidence)
    assert way(found) == ways
    assert found.answer[0]


def test_a_hidden_answer_tells_the_truth_behind_it() -> None:
    found = told("GET", "/hidden/x", who=CAROL)
    assert (found.title, found.codes) == ("404 Not Found", "not-found / concealed (role-missing)")
    assert found.answer == ("404: hidden, the same answer as for a path that does not exist",)


def test_plain_http_is_cured_by_https_and_then_by_the_rest() -> None:
    found = told("GET", "/admin/x", peer="203.0.113.7", local=False, vantage=Vantage(("http://localhost:8080",)))
    assert last(found) == ("tls", "plain http, and TLS is required")
    text, checked = way(found)[0]
    assert text.startswith("it came by https, and valid credentials")
    assert checked


def test_what_stays_refused_after_the_cure_is_said() -> None:
    found = told(
        "GET", "/office", who=CAROL, rules=policy(rule("/office", roles="x", from_="10.0.0.0/8", when=hours()))
    )
    assert found.ways[0].checked
    rules = policy(
        rule("/x", access="authenticated", schemes="basic", from_="10.0.0.0/8"), rule("/**", access="nobody")
    )
    gone = told("GET", "/x", rules=rules)
    assert way(gone) == [("it came from 10.0.0.0/8, and valid credentials were sent (basic)", True)]
    vantage = Vantage(("http://localhost:8080",))
    shut = told("GET", "/nope", peer="203.0.113.7", local=False, vantage=vantage)
    assert shut.ways[0].still is not None
    assert not shut.ways[0].checked


def test_a_gate_names_the_network() -> None:
    found = told("GET", "/open", peer="198.51.100.9", scheme="https")
    assert last(found) == ("gates", "embargo: the address lies in 198.51.100.0/24, which is blocked")
    assert found.ways == ()


def test_a_gate_for_some_names_whom_it_lets_in() -> None:

    rules = policy(rule("/x", access="public"), gates=[gate("office", only="10.0.0.0/8")])
    found = told("GET", "/x", rules=rules)
    assert last(found) == ("gates", "office: the address lies outside 10.0.0.0/8")
    assert way(found) == [("it came from 10.0.0.0/8", True)]


def test_an_allowed_request_tells_every_step() -> None:
    found = told("GET", "/pay", who=replace(CAROL, auth_time=NOW - 120))
    assert found.title == "allowed"
    assert steps(found)["authenticate"] == "session, carol, subject 13, no roles, logged in 2 min ago"
    assert steps(found)["step-up"] == "logged in within 5 min"
    assert steps(found)["authorise"] == "everybody who is known may"
    assert steps(found)["csrf"] == "not needed for GET"


@pytest.mark.parametrize(
    ("target", "who", "step", "text"),
    [
        ("/open", None, "authenticate", "nobody; the rule is public"),
        ("/open", None, "authorise", "everybody may"),
        ("/own/12", OLGA, "authorise", "owner of 12"),
        ("/own/7", ALICE, "authorise", "role admin instead of the owner"),
        ("/admin/x", ALICE, "authorise", "role admin"),
        ("/slow", CAROL, "limits", "5 in 60 s by ip; not counted here"),
        ("/slow", CAROL, "gates", "embargo, flood, sensitive-files"),
        (
            "/scoped",
            replace(CAROL, scheme="bearer", scopes=frozenset({"orders:read", "orders:write"})),
            "scope",
            "orders:read, orders:write",
        ),
    ],
    ids=lambda value: None,
)
def test_what_a_passed_step_saw(target: str, who: Any, step: str, text: str) -> None:
    assert steps(told("GET", target, who=who))[step] == text


def test_more_of_what_passed_steps_see() -> None:
    rules = policy(
        rule(
            "/x",
            access="authenticated",
            scopes="a",
            from_="127.0.0.0/8",
            when=hours("00:00", "23:59", days="0 1 2 3 4 5 6"),
        ),
        rule("/free", access="authenticated", csrf=False),
        rule("/docs/{doc}", acl=None, access="authenticated"),
        default="authenticated",
        sensitive_files=False,
        tls_require=False,
    )
    found = steps(told("GET", "/x", who=OLGA, rules=rules))
    assert found["gates"] == "none"
    assert found["tls"] == "http; TLS is not required"
    assert found["authorise"] == "from 127.0.0.1, within its hours"
    assert found["scope"] == "not limited by scopes (session)"
    assert steps(told("PUT", "/free", who=OLGA, rules=rules))["csrf"] == "not asked for by this rule"
    assert steps(told("GET", "/other", who=OLGA, rules=rules))["match"] == "no rule names this path"
    origin = {"origin": "http://localhost:8080"}
    assert steps(told("PUT", "/x", origin, who=OLGA, rules=rules))["csrf"] == "Origin: http://localhost:8080"
    bearer = replace(OLGA, scheme="bearer", scopes=frozenset(), issuer="https://idp.example", session="abcdef1234")
    assert steps(told("GET", "/free", who=bearer, rules=rules))["authenticate"] == (
        "bearer of https://idp.example …1234, olga, subject 12, roles editor, no scopes"
    )
    assert "csrf" not in steps(told("GET", "/free", who=bearer, rules=rules))


def test_relations_that_are_held_are_named() -> None:
    place = world()
    place.relations.add(("13", "read", "document:7"))
    attempt = Attempt(view("GET", "/docs/7"), CAROL)
    found = of_rehearsal(RULES, attempt, rehearse(RULES, attempt.view, CAROL, place.answers), place.answers, ID)
    assert steps(found)["authorise"] == "read on document:7"


def test_a_proxy_that_was_believed_is_named() -> None:
    vantage = Vantage(("https://localhost:8080",), networks("127.0.0.0/8"))
    forwarded = {"x-forwarded-for": "203.0.113.7", "x-forwarded-proto": "https"}
    found = told("GET", "/open", forwarded, vantage=vantage)
    assert steps(found)["tls"] == "https, said by 127.0.0.1 (trusted)"
    assert steps(told("GET", "/open", scheme="https"))["tls"] == "https"


def test_a_bad_credential_on_a_public_rule_is_told() -> None:
    found = told("GET", "/open", bearer_auth("bad"))
    assert steps(found)["authenticate"] == "nobody, served as anonymous (ignored_bad_credentials)"


def test_a_preflight_and_own_pages_ask_no_rule() -> None:
    fields = {"origin": "https://a.example", "access-control-request-method": "PUT"}
    assert steps(told("OPTIONS", "/own/7", fields))["preflight"] == "a CORS preflight: no rule is asked"
    assert list(steps(told("GET", "/.doorward/login"))) == ["parse", "tls", "gates"]


def test_every_code_says_why_the_answer_is_not_its_neighbour() -> None:
    silent = [
        code
        for code in Code
        if not why_this_status(AuditEvent(NOW, ID, "deny", 403, "x", code=code.value))
        and code not in (Code.REQUEST_TOO_LARGE, Code.TOO_EARLY, Code.UNSUPPORTED_CONTENT)
    ]
    assert silent == []
    scope = AuditEvent(NOW, ID, "deny", 403, "scope-missing", code=Code.INSUFFICIENT_SCOPE)
    assert "cannot widen" in why_this_status(scope)
    assert "more scopes" in why_this_status(replace(scope, facts={"answer": ["403", "WWW-Authenticate: Bearer"]}))
    assert why_this_status(AuditEvent(NOW, ID, "allow", 0, "allowed")) == ""


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (41, "41 s"), (119, "119 s"), (120, "2 min"), (720, "12 min"), (7200, "2 h"), (172_800, "2 days")],
)
def test_times_are_told_in_their_own_size(seconds: float, text: str) -> None:
    assert span(seconds) == text


def test_every_act_has_words() -> None:

    said = {act: words(Cure(act), "carol", Reason.ROLE_MISSING) for act in Act}
    assert all(said.values())
    assert words(Cure(Act.RENEW), "carol", Reason.SESSION_REVOKED) == "the caller logged in again"
    assert words(Cure(Act.RETRY, note="sqlite"), "x", Reason.DEPENDENCY_DOWN) == "sqlite answered again"


def test_an_owner_by_attribute_is_tried_by_that_attribute() -> None:

    rules = policy(rule("/t/{team}", owner=Owner("team", "team")))
    found = told("GET", "/t/red", who=OLGA, rules=rules)
    assert way(found) == [("the caller were red", True)]
