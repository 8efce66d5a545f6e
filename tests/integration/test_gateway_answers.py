"""What passes through the gateway and what does not: fields both ways, preflights, hidden names, failures behind."""

from __future__ import annotations

import base64
import json
import socket
import threading
from collections.abc import Callable, Iterator

import pytest
from gateway import Answer, Gateway, serving
from issuer import POLICY_HEAD, bearer
from recorder import Recorder, recording

RULES = """
[[rule]]
name    = "public"
path    = "/public/**"
methods = ["GET", "OPTIONS"]
access  = "public"
[[rule]]
name  = "any"
path  = "/any/**"
access = "authenticated"
[[rule]]
name  = "secret"
path  = "/shelf/secret"
roles = ["admin"]
hide  = true
[[rule]]
name  = "shelf"
path  = "/shelf/**"
access = "authenticated"
"""
POLICY = POLICY_HEAD + RULES
CORS = '[cors]\norigins = ["https://app.test"]\n'
CAROL = bearer("carol", ["customer"], "a:read")
PREFLIGHT = (("Origin", "https://app.test"), ("Access-Control-Request-Method", "GET"))


@pytest.fixture(scope="module")
def recorder() -> Iterator[Recorder]:
    with recording() as running:
        yield running


@pytest.fixture(scope="module")
def door(recorder: Recorder) -> Iterator[Gateway]:
    with serving(POLICY, recorder.url) as gateway:
        gateway.add_user("carol", "correct horse", "customer")
        yield gateway


@pytest.fixture(scope="module")
def cors_door(recorder: Recorder) -> Iterator[Gateway]:
    with serving(POLICY + CORS, recorder.url) as gateway:
        yield gateway


@pytest.fixture(autouse=True)
def _fresh(recorder: Recorder) -> None:
    recorder.clear()


class Scripted:
    """An application that answers every request with what `answer` makes of its head."""

    def __init__(self, answer: Callable[[str], bytes]) -> None:
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                head = b""
                while b"\r\n\r\n" not in head and (more := connection.recv(65_536)):
                    head += more
                connection.sendall(self._answer(head.decode("latin-1")))

    def close(self) -> None:
        self._listener.close()


def says(head: str, body: str = "") -> Callable[[str], bytes]:
    payload = f"HTTP/1.1 {head}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}".encode("latin-1")
    return lambda _head: payload


@pytest.fixture
def behind() -> Iterator[Callable[..., Gateway]]:
    """A gateway in front of a scripted application."""
    from contextlib import ExitStack

    with ExitStack() as stack:

        def start(answer: Callable[[str], bytes], policy: str = POLICY) -> Gateway:
            application = Scripted(answer)
            stack.callback(application.close)
            return stack.enter_context(serving(policy, application.url))

        yield start


# -- towards the application


def test_identity_is_told_with_a_signed_assertion_that_the_published_keys_verify(
    door: Gateway, recorder: Recorder
) -> None:
    import jwt

    assert door.get("/any/x", CAROL).status == 200
    pairs = recorder.last
    assert [pairs.values(f"X-Doorward-{name}") for name in ("User", "Roles", "Scopes")] == [
        ["carol"],
        ["customer"],
        ["a:read"],
    ]
    keys = json.loads(door.get("/.doorward/jwks.json").body)
    key = jwt.PyJWK(keys["keys"][0])
    (assertion,) = pairs.values("X-Doorward-Assertion")
    claims = jwt.decode(assertion, key.key, algorithms=["EdDSA"], audience=recorder.url, issuer="doorward")
    assert (claims["sub"], claims["roles"], claims["scope"]) == ("carol", ["customer"], "a:read")
    assert claims["exp"] - claims["iat"] <= 60
    assert jwt.get_unverified_header(assertion)["typ"] == "doorward-assertion+jwt"
    # It never comes back in through the front door.
    assert door.get("/any/x", ("Authorization", f"Bearer {assertion}")).status == 401


LIES = [
    "X-Doorward-User",
    "x_doorward_user",
    "X.Doorward.User",
    "X-Doorward_Roles",
    "X-Doorward-Assertion",
    "X-Doorward-Anything",
    "X-Auth-User",
    "X_Auth_Request_Email",
    "X-Forwarded-User",
    "X-Forwarded-For",
    "X_Forwarded_For",
    "X-Forwarded-Host",
    "X-Forwarded-Prefix",
    "Forwarded",
    "X-Real-IP",
    "True-Client-IP",
    "CF-Connecting-IP",
    "Remote-User",
    "Remote_User",
    "Client-Cert",
    "SSL-Client-S-DN",
    "X-Remote-User",
    "X-WebAuth-User",
    "X-Original-URL",
    "X-Rewrite-URL",
    "X-HTTP-Method-Override",
    "X-HTTP-Method",
    "X-Request-ID",
    "Proxy",
    "Proxy-Authorization",
    "Transfer_Encoding",
    "Content_Length",
    "X-Envoy-Original-Path",
]


def test_no_lie_about_who_or_whence_or_what_reaches_the_application(recorder: Recorder) -> None:
    lies = [(name, "LIE") for name in LIES]
    with serving(POLICY + "[tls]\nrequire = false\n", recorder.url) as door:
        assert door.get("/public/x", *lies).status == 200
        assert door.get("/any/x", CAROL, *lies).status == 200
    assert len(recorder.records) == 2
    assert all("LIE" not in value for record in recorder.records for _, value in record.pairs)


def test_the_application_learns_the_peer_and_how_it_came(door: Gateway, recorder: Recorder) -> None:
    host = door.url.removeprefix("http://")
    assert door.get("/public/x").status == 200
    for name, value in (("X-Forwarded-For", "127.0.0.1"), ("X-Forwarded-Proto", "http"), ("X-Forwarded-Host", host)):
        assert recorder.last.values(name) == [value]
    assert recorder.last.values("Host") == [host]


def test_every_configured_carrier_stays_and_an_unconfigured_one_passes(door: Gateway, recorder: Recorder) -> None:
    cookie = door.log_in("carol", "correct horse")
    basic = "Basic " + base64.b64encode(b"carol:wrong").decode()
    for fields in ([CAROL], [cookie], [("Authorization", basic)], [("Authorization", "bearer nonsense")]):
        assert door.get("/public/x", *fields).status == 200
        assert recorder.last.values("Authorization") == recorder.last.values("Cookie") == []
    assert door.get("/public/x", ("Authorization", "Custom abc")).status == 200
    assert recorder.last.values("Authorization") == ["Custom abc"]


def test_bad_credentials_on_a_public_page_carry_no_identity(door: Gateway, recorder: Recorder) -> None:
    assert door.get("/public/x", bearer("carol", [], signer="forger")).status == 200
    assert recorder.last.starting("x-doorward-") == []


def test_the_absolute_form_is_asked_for_in_origin_form(door: Gateway, recorder: Recorder) -> None:
    assert door.ask("GET", f"{door.url}/public/x?y=%2F").status == 200
    assert recorder.last.line == "GET /public/x?y=%2F HTTP/1.1"
    assert door.ask("GET", "http://evil.test/public/x").status == 400


def test_options_asterisk_is_answered_without_content_and_not_by_the_application(
    door: Gateway, recorder: Recorder
) -> None:
    answer = door.ask("OPTIONS", "*")
    assert answer.body == b"" or answer.status >= 400
    assert recorder.records == []


def test_a_trusted_proxy_may_speak_for_others_and_nobody_else(recorder: Recorder) -> None:
    policy = POLICY + '[proxy]\ntrusted = ["127.0.0.1/32"]\n[server]\norigins = ["https://shop.test"]\n'
    with serving(policy, recorder.url) as door:
        told = "X-Forwarded-For: 198.51.100.9, 203.0.113.7\r\nX-Forwarded-Proto: https\r\nX-Request-ID: outer-1\r\n"
        told += "Forwarded: for=6.6.6.6\r\nX_Forwarded_For: 6.6.6.6\r\nX-Forwarded-User: root\r\n"
        answer = door.raw(f"GET /public/x HTTP/1.1\r\nHost: shop.test\r\n{told}Connection: close\r\n\r\n".encode())
        assert answer.status == 200
        assert recorder.last.values("X-Forwarded-For") == ["198.51.100.9, 203.0.113.7", "127.0.0.1"]
        assert recorder.last.values("X-Forwarded-Proto") == ["https"]
        assert recorder.last.values("X-Request-ID") == ["outer-1"]
        assert "6.6.6.6" not in str(recorder.last.pairs)
        assert recorder.last.values("X-Forwarded-User") == []


def test_where_every_request_is_recorded_the_application_learns_its_id(recorder: Recorder) -> None:
    with serving(POLICY + '[ledger]\nallows = "all"\n', recorder.url) as door:
        assert door.get("/public/x", ("X-Request-ID", "mine")).status == 200
        (found,) = recorder.last.values("X-Request-ID")
        assert len(found) == 36
        assert found.replace("-", "")[:12] in door.cli("tail", "--allows").stdout


def test_a_synchronous_ledger_has_the_refusal_before_the_client_has_it(recorder: Recorder) -> None:
    with serving(POLICY + '[ledger]\nmode = "sync"\nallows = "all"\n', recorder.url) as door:
        for status, fields in ((401, []), (200, [CAROL])):
            answer = door.get("/any/x", *fields)
            assert answer.status == status
        refused = door.get("/any/x").one("X-Request-ID")
        assert refused.replace("-", "")[:12] in door.cli("tail", "-n", "1").stdout


# -- preflights and CORS


def test_without_origins_a_preflight_goes_to_the_application_bare(door: Gateway, recorder: Recorder) -> None:
    cookie = door.log_in("carol", "correct horse")
    fields = [*PREFLIGHT, CAROL, (cookie[0], f"{cookie[1]}; theme=dark"), ("X-HTTP-Method-Override", "DELETE")]
    assert door.ask("OPTIONS", "/any/x", *fields).status == 200
    seen = recorder.last
    assert seen.line == "OPTIONS /any/x HTTP/1.1"
    assert seen.values("Authorization") == seen.values("Cookie") == seen.starting("x-doorward-") == []
    assert seen.values("X-HTTP-Method-Override") == []


def test_with_origins_the_door_answers_preflights_and_the_application_never_sees_them(
    cors_door: Gateway, recorder: Recorder
) -> None:
    for path in ("/any/x", "/shelf/secret", "/nowhere", "/public/x"):
        answer = cors_door.ask("OPTIONS", path, *PREFLIGHT)
        assert (answer.status, answer.body) == (204, b"")
        assert answer.one("Access-Control-Allow-Origin") == "https://app.test"
        assert "Authorization" in answer.one("Access-Control-Allow-Headers")
    refused = cors_door.ask("OPTIONS", "/any/x", ("Origin", "https://evil.test"), PREFLIGHT[1])
    assert (refused.status, refused.all("Access-Control-Allow-Origin")) == (204, [])
    assert recorder.records == []


def test_a_plain_options_is_an_ordinary_request(cors_door: Gateway, recorder: Recorder) -> None:
    assert cors_door.ask("OPTIONS", "/any/x").status == 401
    assert cors_door.ask("OPTIONS", "/any/x", PREFLIGHT[0]).status == 401
    assert cors_door.ask("OPTIONS", "/public/x", PREFLIGHT[0]).status == 200
    assert len(recorder.records) == 1


def test_a_script_may_read_answers_and_refusals_of_allowed_origins_alone(cors_door: Gateway) -> None:
    for path in ("/public/x", "/any/x", "/nowhere"):
        good = cors_door.get(path, ("Origin", "https://app.test"))
        assert good.one("Access-Control-Allow-Origin") == "https://app.test"
        assert "Origin" in ",".join(good.all("Vary"))
        for origin in ([("Origin", "https://evil.test")], [("Origin", "null")], []):
            answer = cors_door.get(path, *origin)
            assert answer.all("Access-Control-Allow-Origin") == []
            assert "Origin" in ",".join(answer.all("Vary"))


def test_what_the_application_says_about_origins_gives_way(behind: Callable[..., Gateway]) -> None:
    wild = says("200 OK\r\nAccess-Control-Allow-Origin: *\r\nAccess-Control-Allow-Credentials: true\r\nVary: X")
    door = behind(wild, POLICY + CORS)
    answer = door.get("/public/x", ("Origin", "https://evil.test"))
    assert answer.all("Access-Control-Allow-Origin") == answer.all("Access-Control-Allow-Credentials") == []
    assert door.get("/public/x", ("Origin", "https://app.test")).all("Access-Control-Allow-Origin") == [
        "https://app.test"
    ]


# -- answers of the application


def test_a_challenge_is_added_to_a_bare_401_and_to_no_other(behind: Callable[..., Gateway]) -> None:
    def answer(head: str) -> bytes:
        challenge = "WWW-Authenticate: Negotiate\r\nWWW-Authenticate: Basic realm=app\r\n" if "own" in head[:30] else ""
        return f"HTTP/1.1 401 No\r\n{challenge}Content-Length: 0\r\nConnection: close\r\n\r\n".encode()

    door = behind(answer)
    assert door.get("/public/x").schemes == ["Bearer", "Session", "Basic"]
    assert door.get("/public/own").all("WWW-Authenticate") == ["Negotiate", "Basic realm=app"]


def test_an_answer_to_a_known_caller_is_private_unless_the_application_says_otherwise(
    behind: Callable[..., Gateway],
) -> None:
    def answer(head: str) -> bytes:
        said = "Cache-Control: public, max-age=5\r\n" if "said" in head[:30] else ""
        return f"HTTP/1.1 200 OK\r\n{said}Content-Length: 0\r\nConnection: close\r\n\r\n".encode()

    door = behind(answer)
    assert door.get("/any/x", CAROL).all("Cache-Control") == ["private"]
    assert door.get("/any/said", CAROL).all("Cache-Control") == ["public, max-age=5"]
    assert door.get("/public/x").all("Cache-Control") == []


def test_an_absent_name_beside_a_hidden_one_looks_like_it(behind: Callable[..., Gateway]) -> None:
    door = behind(says("404 Not Found\r\nX-App: 1\r\nContent-Type: text/plain", "the application's own words"))
    hidden, absent = door.get("/shelf/secret", CAROL), door.get("/shelf/secre7", CAROL)
    assert lasting(hidden) == lasting(absent)
    for method in ("HEAD", "POST", "DELETE"):
        fields = (CAROL, ("Accept", "text/html"))
        assert lasting(door.ask(method, "/shelf/secret", *fields)) == lasting(
            door.ask(method, "/shelf/secre7", *fields)
        )
    assert door.get("/public/x").all("X-App") == ["1"]
    assert door.get("/any/x", CAROL).body == b"the application's own words"


def lasting(answer: Answer) -> tuple[object, ...]:
    own = answer.one("X-Request-ID")
    pairs = [pair for pair in answer.headers if pair[0] not in ("Date", "X-Request-ID")]
    return answer.status, pairs, answer.body.replace(own.encode(), b"") if own else answer.body


# -- failures behind


@pytest.mark.parametrize(
    ("payload", "status"),
    [
        (b"", 502),
        (b"nonsense\r\n\r\n", 502),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 502),
        (b"HTTP/1.1 200 OK\nContent-Length: 0\n\n", 502),
    ],
)
def test_an_application_that_fails_is_a_502_with_an_id_in_the_ledger(
    behind: Callable[..., Gateway], payload: bytes, status: int
) -> None:
    door = behind(lambda _head: payload)
    answer = door.get("/public/x")
    assert (answer.status, answer.one("Cache-Control")) == (status, "no-store")
    assert json.loads(answer.body)["code"] == "upstream-unavailable"
    assert int(answer.one("Retry-After")) >= 1
    assert "upstream-down" in door.cli("tail").stdout


def test_an_application_that_is_not_there_is_a_502() -> None:
    with serving(POLICY, "http://127.0.0.1:1") as door:
        assert door.get("/public/x").status == 502
        assert door.get("/any/x").status == 401
