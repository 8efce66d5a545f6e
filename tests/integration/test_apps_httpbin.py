"""httpbin behind the door: every way to be refused, and nothing of the application lost on the way."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator

import apps
import pytest
from gateway import NAVIGATION, Answer, Gateway, serving
from issuer import POLICY_HEAD, basic, bearer

pytestmark = pytest.mark.apps

POLICY = (
    POLICY_HEAD
    + """
[roles]
admin = ["customer"]

[[rule]]
name    = "public"
path    = ["/get", "/status/**", "/cookies/**", "/redirect-to", "/stream/**", "/gzip"]
methods = ["GET"]
access  = "public"
[[rule]]
name    = "throttled"
path    = "/uuid"
methods = ["GET"]
access  = "public"
limit   = { rate = "3/hour", by = ["ip"] }
[[rule]]
name   = "scoped"
path   = "/anything/files/**"
roles  = ["customer"]
scopes = ["files:write"]
[[rule]]
name     = "own"
path     = "/anything/users/{id}"
owner    = "{id}"
or_roles = ["admin"]
[[rule]]
name  = "secret"
path  = "/anything/secret"
roles = ["admin"]
hide  = true
[[rule]]
name   = "closed"
path   = "/anything/closed"
access = "nobody"
[[rule]]
name  = "anything"
path  = ["/anything/**", "/post"]
roles = ["customer"]
"""
)
CAROL = ("carol", ["customer"])


@pytest.fixture(scope="module")
def door() -> Iterator[Gateway]:
    with apps.httpbin() as app, serving(POLICY, app.url) as gateway:
        gateway.add_user("carol", "correct horse", "customer")
        gateway.add_user("dave", "battery staple")
        yield gateway


def problem(answer: Answer) -> dict[str, object]:
    found: dict[str, object] = json.loads(answer.body)
    return found


def echoed(answer: Answer) -> dict[str, object]:
    assert answer.status == 200, (answer.status, answer.body[:300])
    found: dict[str, object] = json.loads(answer.body)
    return found


def test_a_public_page_is_served_to_anonymous_without_identity(door: Gateway) -> None:
    fields = echoed(door.get("/get", ("X-Doorward-User", "root"), ("X-Forwarded-User", "root")))["headers"]
    assert isinstance(fields, dict)
    assert not [name for name in fields if name.lower().startswith(("x-doorward-", "x-forwarded-user"))]


def test_anonymous_is_challenged_with_every_scheme_of_the_policy(door: Gateway) -> None:
    answer = door.get("/anything/x")
    assert answer.status == 401
    assert answer.schemes == ["Bearer", "Session", "Basic"]
    assert answer.all("WWW-Authenticate")[0] == 'Bearer realm="shop"'
    assert answer.one("Cache-Control") == "no-store"


def test_a_script_is_never_offered_basic(door: Gateway) -> None:
    answer = door.get("/anything/x", ("Sec-Fetch-Mode", "cors"), ("Sec-Fetch-Site", "same-origin"))
    assert answer.status == 401
    assert answer.schemes == ["Bearer", "Session"]


def test_a_navigation_is_sent_to_the_login_page_with_the_way_back(door: Gateway) -> None:
    answer = door.get("/anything/x", ("Accept", "text/html"), *NAVIGATION)
    assert answer.status == 303
    assert answer.one("Location").startswith("/.doorward/login?next=")


def test_a_wrong_password_is_401_with_basic_first(door: Gateway) -> None:
    answer = door.get("/anything/x", basic("carol", "wrong"))
    assert answer.status == 401
    assert answer.schemes[0] == "Basic"
    assert problem(answer)["code"] == "invalid-credentials"


def test_an_unknown_name_is_answered_like_a_wrong_password(door: Gateway) -> None:
    known, unknown = door.get("/anything/x", basic("carol", "no")), door.get("/anything/x", basic("mallory", "no"))
    assert (known.status, known.all("WWW-Authenticate")) == (unknown.status, unknown.all("WWW-Authenticate"))
    assert problem(known)["title"] == problem(unknown)["title"]


def test_a_right_password_is_let_through_and_does_not_travel_on(door: Gateway) -> None:
    fields = echoed(door.get("/anything/x", basic("carol", "correct horse")))["headers"]
    assert isinstance(fields, dict)
    assert fields["X-Doorward-User"] == "carol"
    assert "Authorization" not in fields


def test_an_expired_token_is_invalid_and_says_so(door: Gateway) -> None:
    answer = door.get("/anything/x", bearer(*CAROL, life=-3_000))
    assert answer.status == 401
    assert 'error="invalid_token"' in answer.all("WWW-Authenticate")[0]


def test_a_token_signed_by_another_key_is_invalid(door: Gateway) -> None:
    answer = door.get("/anything/x", bearer(*CAROL, signer="forger"))
    assert answer.status == 401
    assert 'error="invalid_token"' in answer.all("WWW-Authenticate")[0]


def test_a_token_for_another_audience_is_invalid(door: Gateway) -> None:
    assert door.get("/anything/x", bearer(*CAROL, aud="https://other.test")).status == 401


def test_a_missing_role_is_403_without_any_challenge(door: Gateway) -> None:
    answer = door.get("/anything/x", bearer("dave", []))
    assert answer.status == 403
    assert answer.schemes == []
    assert problem(answer)["code"] == "access-denied"


def test_a_missing_scope_is_403_with_the_one_challenge_that_helps(door: Gateway) -> None:
    answer = door.get("/anything/files/1", bearer(*CAROL, "files:read"))
    assert answer.status == 403
    (challenge,) = answer.all("WWW-Authenticate")
    assert 'error="insufficient_scope"' in challenge
    assert 'scope="files:write"' in challenge


def test_the_scope_opens_it(door: Gateway) -> None:
    echoed(door.get("/anything/files/1", bearer(*CAROL, "files:read files:write")))


def test_a_session_is_not_limited_by_scopes(door: Gateway) -> None:
    echoed(door.get("/anything/files/1", door.log_in("carol", "correct horse")))


@pytest.mark.parametrize(
    ("who", "roles", "status"), [("carol", [], 200), ("dave", [], 403), ("root", ["admin"], 200)], ids=str
)
def test_a_profile_opens_to_its_owner_and_to_admins(door: Gateway, who: str, roles: list[str], status: int) -> None:
    assert door.get("/anything/users/carol", bearer(who, roles)).status == status


def test_a_hidden_page_looks_like_one_that_does_not_exist(door: Gateway) -> None:
    assert door.get("/anything/secret", bearer(*CAROL)).status == 404
    assert door.get("/anything/secret", bearer("root", ["admin"])).status == 200


def test_anonymous_at_a_hidden_page_gets_what_its_neighbour_gets(door: Gateway) -> None:
    hidden, absent = door.get("/anything/secret"), door.get("/anything/secre7")
    assert hidden.status == absent.status == 401
    assert [name for name, _ in hidden.headers] == [name for name, _ in absent.headers]
    assert hidden.all("WWW-Authenticate") == absent.all("WWW-Authenticate")


def test_a_rule_for_nobody_does_not_invite_to_log_in(door: Gateway) -> None:
    for fields in ([], [bearer("root", ["admin"])]):
        answer = door.get("/anything/closed", *fields)
        assert (answer.status, answer.schemes) == (403, [])


def test_a_path_without_a_rule_does_not_reach_the_application(door: Gateway) -> None:
    assert door.get("/ip", bearer("root", ["admin"])).status == 404
    assert door.get("/headers").status == 404


def test_the_fourth_request_of_the_hour_is_told_to_wait(door: Gateway) -> None:
    answers = [door.get("/uuid") for _ in range(4)]
    assert [answer.status for answer in answers] == [200, 200, 200, 429]
    assert int(answers[-1].one("Retry-After")) >= 1
    assert answers[-1].one("RateLimit")
    assert answers[-1].one("RateLimit-Policy")


def test_a_session_post_needs_proof_of_its_origin(door: Gateway) -> None:
    cookie = door.log_in("carol", "correct horse")
    bare = door.ask("POST", "/post", cookie, body=b"x")
    assert (bare.status, problem(bare)["code"]) == (403, "csrf-failed")
    foreign = door.ask("POST", "/post", cookie, ("Origin", "https://evil.test"), body=b"x")
    assert foreign.status == 403
    assert door.ask("POST", "/post", cookie, ("Origin", door.url), body=b"x").status == 200


def test_a_token_post_needs_no_such_proof(door: Gateway) -> None:
    assert door.ask("POST", "/post", bearer(*CAROL), body=b"x").status == 200


def test_an_anonymous_post_is_401_before_csrf_is_looked_at(door: Gateway) -> None:
    assert door.ask("POST", "/post", ("Origin", "https://evil.test"), body=b"x").status == 401


def test_a_form_and_its_text_arrive_unchanged(door: Gateway) -> None:
    body = b"name=Zo%C3%AB&many=1&many=2"
    form = ("Content-Type", "application/x-www-form-urlencoded")
    assert echoed(door.ask("POST", "/post", bearer(*CAROL), form, body=body))["form"] == {
        "name": "Zoë",
        "many": ["1", "2"],
    }


def test_a_mebibyte_goes_in_and_comes_back_unchanged(door: Gateway) -> None:
    body = b"".join(hashlib.sha256(b"%d" % number).hexdigest().encode() for number in range(16_384))
    answer = echoed(door.ask("POST", "/anything/x", bearer(*CAROL), ("Content-Type", "text/plain"), body=body))
    assert len(body) == 1 << 20
    assert hashlib.sha256(str(answer["data"]).encode()).digest() == hashlib.sha256(body).digest()


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_every_method_reaches_the_application_as_itself(door: Gateway, method: str) -> None:
    assert echoed(door.ask(method, "/anything/x?q=a%20b", bearer(*CAROL)))["method"] == method


def test_head_has_the_fields_of_get_and_no_body(door: Gateway) -> None:
    assert door.ask("HEAD", "/get").body == b""
    get, head = door.get("/anything/x"), door.ask("HEAD", "/anything/x")
    assert head.status == get.status == 401
    assert (head.body, head.all("WWW-Authenticate")) == (b"", get.all("WWW-Authenticate"))


def test_a_redirect_of_the_application_is_passed_on(door: Gateway) -> None:
    answer = door.get("/redirect-to?url=https%3A%2F%2Felsewhere.test%2F&status_code=307")
    assert (answer.status, answer.one("Location")) == (307, "https://elsewhere.test/")


def test_a_challenge_of_the_application_is_passed_on_untouched(door: Gateway) -> None:
    answer = door.get("/status/401")
    assert (answer.status, answer.all("WWW-Authenticate")) == (401, ['Basic realm="Fake Realm"'])


@pytest.mark.parametrize("status", [204, 304, 403, 404, 418, 500, 503])
def test_statuses_of_the_application_are_its_own(door: Gateway, status: int) -> None:
    assert door.get(f"/status/{status}").status == status


def test_the_application_cannot_set_the_cookies_of_the_door(door: Gateway) -> None:
    answer = door.get("/cookies/set?__Host-doorward=evil&theme=dark")
    assert [value.split("=")[0] for value in answer.all("Set-Cookie")] == ["theme"]


def test_a_chunked_and_a_compressed_answer_arrive_whole(door: Gateway) -> None:
    assert len(door.get("/stream/20").body.splitlines()) == 20
    assert door.get("/gzip", ("Accept-Encoding", "gzip")).body[:2] == b"\x1f\x8b"


def test_two_authorization_fields_are_refused_even_on_a_public_page(door: Gateway) -> None:
    assert door.get("/get", bearer(*CAROL), basic("carol", "correct horse")).status == 400


def test_a_bad_token_on_a_public_page_is_served_as_anonymous(door: Gateway) -> None:
    assert door.get("/get", bearer(*CAROL, signer="forger")).status == 200


def test_a_disabled_account_is_refused_on_its_open_session(door: Gateway) -> None:
    door.add_user("gone", "correct horse", "customer")
    cookie = door.log_in("gone", "correct horse")
    assert door.get("/anything/x", cookie).status == 200
    assert door.cli("user", "disable", "gone").returncode == 0
    import time

    time.sleep(1.1)  # the promise is one second (J17)
    assert door.get("/anything/x", cookie).status == 401


def test_the_decision_endpoint_agrees_with_the_gateway(door: Gateway) -> None:
    asked = (("X-Forwarded-Method", "GET"), ("X-Forwarded-Uri", "/anything/x"))
    assert door.ask("GET", "/decide", *asked, control=True).status == 401
    assert door.ask("GET", "/decide", *asked, bearer("dave", []), control=True).status == 403
    assert door.ask("GET", "/decide", *asked, bearer(*CAROL), control=True).status in {200, 204}


def test_no_password_and_no_token_is_ever_written_to_the_log(door: Gateway) -> None:
    name, value = bearer(*CAROL)
    door.get("/anything/x", (name, value))
    door.get("/anything/x", basic("carol", "correct horse"))
    assert value.removeprefix("Bearer ") not in door.text
    assert "correct horse" not in door.text
