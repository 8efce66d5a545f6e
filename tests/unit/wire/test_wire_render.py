"""Every row of the status table as bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wire_scene import (
    BASIC,
    BEARER,
    BURST,
    CAROL,
    ID,
    NAVIGATION,
    OTHER_ID,
    SCRIPT,
    SESSION,
    answer,
    ask_with,
    body,
    challenge,
    deny,
    policy,
    request,
    settings,
    throttle,
)

from doorward.core.authenticate import Hint
from doorward.core.challenge import AuthChallenge, Flaw, parse_challenges
from doorward.core.cure import Act, Cure
from doorward.core.policy import Rule
from doorward.core.reason import CODES, Reason
from doorward.core.settings import Cors
from doorward.core.verdict import Challenge, Deny, Hide, LimitState, Malformed, Throttle, Unavailable, malformed
from doorward.core.verdict import status as status_of
from doorward.schemes import bearer
from doorward.wire.problem import IANA_QUOTA, LARGEST
from doorward.wire.render import failure, refuse, render, render_bug
from doorward.wire.shown import show

SCOPED = AuthChallenge("Bearer", (("realm", "Shop"), ("error", "insufficient_scope"), ("scope", "orders:write")))
WIDEN = Cure(Act.WIDEN_SCOPE, scopes=("orders:write",))
ROLE = Cure(Act.GAIN_ROLE, roles=("admin", "editor"))


def bearer_error(reason, **more):
    return bearer.challenge(policy(), "Shop", Hint(reason, **more))


ROWS = [
    (1, challenge(), 401, "authentication-required", 3),
    (2, challenge(Reason.TOKEN_EXPIRED, bearer_error(Reason.TOKEN_EXPIRED), SESSION), 401, "invalid-token", 2),
    (2, challenge(Reason.TOKEN_SUBJECT, bearer_error(Reason.TOKEN_SUBJECT)), 401, "invalid-token", 1),
    (3, challenge(Reason.PASSWORD_WRONG, BASIC), 401, "invalid-credentials", 1),
    (3, challenge(Reason.API_KEY_INVALID, BEARER), 401, "invalid-credentials", 1),
    (4, malformed(Reason.CREDENTIALS_AMBIGUOUS, "twice", (BEARER,)), 400, "malformed-credentials", 1),
    (4, malformed(Reason.CREDENTIALS_UNPARSABLE, "no"), 400, "malformed-credentials", 0),
    (5, challenge(Reason.BASIC_MALFORMED, BASIC), 401, "invalid-credentials", 1),
    (7, challenge(Reason.SESSION_EXPIRED, SESSION), 401, "session-expired", 1),
    (8, Deny(Reason.SCOPE_MISSING, "orders", WIDEN, (SCOPED,)), 403, "insufficient-scope", 1),
    (9, deny(Reason.SCOPE_MISSING, WIDEN), 403, "insufficient-scope", 0),
    (10, deny(Reason.ROLE_MISSING, ROLE), 403, "access-denied", 0),
    (10, deny(Reason.NOT_OWNER, Cure(Act.BE_OWNER, owner="7")), 403, "access-denied", 0),
    (11, deny(Reason.NETWORK_BLOCKED), 403, "request-blocked", 0),
    (11, deny(Reason.OUTSIDE_HOURS), 403, "request-blocked", 0),
    (11, deny(Reason.NOBODY_MAY), 403, "access-denied", 0),
    (12, deny(Reason.NETWORK_BLOCKED, status=451), 451, "unavailable-for-legal-reasons", 0),
    (13, challenge(Reason.LOGIN_TOO_OLD, bearer_error(Reason.LOGIN_TOO_OLD, max_age=60)), 401, "step-up-required", 1),
    (15, Hide(challenge(), "orders"), 404, "not-found", 0),
    (16, Hide(deny(Reason.SENSITIVE_FILE), "sensitive-files"), 404, "not-found", 0),
    (16, deny(Reason.PATH_UNNAMED), 403, "access-denied", 0),
    (17, deny(Reason.METHOD_UNCLAIMED), 403, "method-not-allowed", 0),
    (17, deny(Reason.METHOD_REFUSED, status=405, allow=("GET", "HEAD")), 405, "method-not-allowed", 0),
    (18, deny(Reason.CSRF_MISSING), 403, "csrf-failed", 0),
    (18, deny(Reason.ORIGIN_FOREIGN), 403, "csrf-failed", 0),
    (20, throttle(), 429, "quota-exceeded", 0),
    (20, Throttle("orders", 4, reason=Reason.LOCKED_OUT), 429, "quota-exceeded", 0),
    (21, throttle(status=403), 403, "quota-exceeded", 0),
    (24, Unavailable("store", 3), 503, "authorization-unavailable", 0),
    (24, Unavailable("hashing", 3, Reason.HASHING_BUSY), 503, "authorization-unavailable", 0),
    (24, Unavailable("upstream", 5, Reason.UPSTREAM_DOWN, 504), 504, "upstream-unavailable", 0),
    (27, deny(Reason.TLS_REQUIRED), 403, "tls-required", 0),
    (28, malformed(Reason.HEAD_TOO_LARGE, "large"), 431, "request-too-large", 0),
    (28, malformed(Reason.TARGET_TOO_LARGE, "large"), 414, "request-too-large", 0),
    (28, malformed(Reason.BODY_TOO_LARGE, "large"), 413, "request-too-large", 0),
    (29, malformed(Reason.PATH_AMBIGUOUS, "dots"), 400, "malformed-request", 0),
    (29, malformed(Reason.HOST_FOREIGN, "foreign"), 421, "malformed-request", 0),
    (30, malformed(Reason.EARLY_DATA, "early"), 425, "too-early", 0),
    (31, malformed(Reason.CONTENT_UNSUPPORTED, "form"), 415, "unsupported-content", 0),
]
IDS = [f"row-{row}-{code}-{status}-{index}" for index, (row, _, status, code, _) in enumerate(ROWS)]
FORMS = {"problem": {"accept": "*/*"}, "text": {"accept": "text/plain"}, "html": NAVIGATION, "script": SCRIPT}


@pytest.mark.parametrize(("row", "verdict", "status", "code", "lines"), ROWS, ids=IDS)
def test_each_row_of_the_status_table_is_written_as_the_table_says(row, verdict, status, code, lines):
    reply = answer(verdict)
    told = body(reply)
    assert (reply.status, told["status"], told["code"]) == (status, status, code)
    assert len(reply.all("WWW-Authenticate")) == lines
    assert (status == 401) <= (lines > 0)
    assert told["type"] == (IANA_QUOTA if row in (20, 21) else f"https://doorward.example/problems/{code}")
    assert told["instance"] == f"urn:uuid:{ID}"
    assert reply.header("Content-Type") == "application/problem+json"
    assert list(told)[:8] == ["type", "title", "status", "detail", "instance", "code", "error", "message"]
    waits = isinstance(verdict, Throttle | Unavailable)
    assert reply.header("Retry-After") == (str(verdict.retry_after) if waits else "")
    assert bool(reply.header("Allow")) == (status == 405)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PATCH"])
def test_every_denial_in_every_form_has_what_every_denial_has(form, method):
    law = policy(navigation="page")
    for _, verdict, status, code, _ in ROWS:
        if (form, code) == ("html", "tls-required"):
            continue  # written as a redirect to https: test_wire_redirect
        asked = ask_with(FORMS[form], method=method)
        reply = answer(verdict, asked, law)
        assert (reply.status, code) == (status, code)
        assert reply.header("Cache-Control") == "no-store"
        assert reply.header("Vary").startswith("Accept, Accept-Language, Sec-Fetch-Mode, Sec-Fetch-Dest, Authorization")
        assert reply.header("X-Request-ID") == ID
        assert reply.header("X-Content-Type-Options") == "nosniff"
        assert reply.header("Content-Language") == "en"
        assert reply.body
        assert not reply.header("Location")
        assert b"orders" not in reply.body.replace(b"orders:write", b"").replace(b"next=%2Forders%2F1", b"")


@pytest.mark.parametrize("reason", [reason for reason in CODES if reason is not Reason.BUG])
def test_every_reason_can_be_shown_as_a_denial(reason):
    verdict = deny(reason)
    assert body(answer(verdict))["status"] == status_of(verdict)


def test_no_credentials_carry_no_error_parameter():
    for line in answer(challenge()).all("WWW-Authenticate"):
        assert "error" not in line
    assert answer(challenge()).all("WWW-Authenticate")[0] == 'Bearer realm="Shop"'


def test_a_missing_scope_is_told_in_challenge_and_body():
    reply = answer(Deny(Reason.SCOPE_MISSING, "orders", WIDEN, (SCOPED,)), who=CAROL)
    line = reply.header("WWW-Authenticate")
    assert line == 'Bearer realm="Shop", error="insufficient_scope", scope="orders:write"'
    assert body(reply)["error_description"] == "Insufficient scope."
    assert body(reply)["required_scope"] == "orders:write"


@pytest.mark.parametrize("reason", [Reason.TOKEN_SIGNATURE, Reason.TOKEN_AUDIENCE, Reason.TOKEN_SUBJECT])
def test_bodies_do_not_say_which_part_of_a_token_failed(reason):
    one = answer(challenge(reason, bearer_error(reason)))
    other = answer(challenge(Reason.TOKEN_ISSUER, bearer_error(Reason.TOKEN_ISSUER)))
    assert (one.body, one.headers) == (other.body, other.headers)


def test_needs_are_told_only_to_known_callers_and_by_setting():
    verdict = deny(Reason.ROLE_MISSING, ROLE)
    assert "required_role" not in body(answer(verdict))
    assert body(answer(verdict, who=CAROL))["required_role"] == "admin editor"
    assert "required_role" not in body(answer(verdict, under=policy(disclosure="minimal"), who=CAROL))
    grant = deny(Reason.GRANT_MISSING, Cure(Act.GAIN_GRANT, permission="write", object="document:7"))
    assert body(answer(grant, who=CAROL))["required_permission"] == "write"
    assert b"document" not in answer(grant, who=CAROL).body


def test_the_owner_rule_does_not_name_the_roles_that_pass_without_owning():
    verdict = deny(Reason.NOT_OWNER, Cure(Act.BE_OWNER, owner="7", roles=("admin",)))
    assert "required_role" not in body(answer(verdict, who=CAROL))


def test_the_reason_is_told_under_debug_alone():
    assert "reason" not in body(answer(deny()))
    assert body(answer(deny(), under=policy(disclosure="debug")))["reason"] == "role-missing"
    for verdict in (challenge(), malformed(Reason.HOST_BAD, "x"), Unavailable("store", 1), throttle()):
        assert body(answer(verdict, under=policy(disclosure="debug")))["reason"] == verdict.reason
    hidden = Hide(deny(), "orders")
    assert "reason" not in body(answer(hidden, under=policy(disclosure="debug")))


def test_the_simple_body_has_exactly_error_and_message():
    law = policy(body="simple")
    reply = answer(challenge(), under=law)
    assert body(reply) == {
        "error": "Authentication required",
        "message": "Authentication required – please log in.",
    }
    assert reply.header("Content-Type") == "application/json"
    assert body(answer(deny(Reason.ROLE_MISSING, ROLE), under=law, who=CAROL)) == {
        "error": "Access denied",
        "message": "Access denied – contact your administrator.",
        "required_role": "admin editor",
    }


def test_text_is_one_line():
    reply = answer(challenge(), request(accept="text/plain"))
    assert reply.body == "Authentication required – please log in.\n".encode()
    assert reply.header("Content-Type") == "text/plain; charset=utf-8"
    grpc = answer(deny(), request(method="POST", content_type="application/grpc"))
    assert grpc.body.count(b"\n") == 1


@pytest.mark.parametrize("kind", [SCRIPT, {"x-requested-with": "XMLHttpRequest"}, {"user-agent": "Mozilla/5.0"}])
def test_scripts_never_get_a_dialogue_but_always_a_challenge(kind):
    assert answer(challenge(), ask_with(kind)).all("WWW-Authenticate") == (BEARER.line, SESSION.line)
    digest = AuthChallenge("Digest", (("realm", "Shop"),))
    only = challenge(Reason.CREDENTIALS_MISSING, BASIC, digest)
    assert answer(only, ask_with(kind)).all("WWW-Authenticate") == ('Session realm="Shop"',)
    assert answer(only, ask_with(kind), policy(basic_for_scripts=True)).all("WWW-Authenticate")[0] == BASIC.line
    assert answer(only, request(accept="*/*")).all("WWW-Authenticate") == (BASIC.line, digest.line)


def test_a_page_that_offers_the_login_does_not_hide_behind_a_dialogue():
    schemes = [
        line.split()[0] for line in answer(challenge(), ask_with(NAVIGATION, method="POST")).all("WWW-Authenticate")
    ]
    assert schemes == ["Bearer", "Session"]
    page = ask_with(NAVIGATION)
    for law, verdict in (
        (policy(settings=settings(login_page="")), challenge()),
        (policy(navigation="page"), challenge(login=False)),
        (policy(navigation="page"), challenge(Reason.PASSWORD_WRONG)),
    ):
        assert BASIC.line in answer(verdict, page, law).all("WWW-Authenticate")
    only = answer(challenge(Reason.SESSION_EXPIRED, BASIC), page, policy(navigation="page"))
    assert only.all("WWW-Authenticate") == (SESSION.line,)


def test_a_403_gets_no_stand_in_for_a_challenge():
    assert answer(deny(), ask_with(SCRIPT)).all("WWW-Authenticate") == ()


def test_limits_are_told_as_the_draft_says():
    reply = answer(throttle(30, BURST))
    assert reply.header("RateLimit-Policy") == '"burst";q=5;w=60'
    assert reply.header("RateLimit") == '"burst";r=0;t=30'
    assert not reply.header("X-RateLimit-Limit")
    assert body(reply)["violated-policies"] == ["burst"]
    legacy = answer(throttle(30, BURST), under=policy(settings=settings(legacy_rate_headers=True)))
    assert [legacy.header(f"X-RateLimit-{name}") for name in ("Limit", "Remaining", "Reset")] == ["5", "0", "30"]


def test_retry_after_is_never_earlier_than_the_reset_that_is_told():
    assert answer(throttle(5, LimitState("a", 1, 60, 0, 9))).header("Retry-After") == "9"
    assert answer(throttle(12, LimitState("a", 1, 60, 0, 9))).header("Retry-After") == "12"


def test_a_limit_without_a_name_does_not_name_its_rule():
    reply = answer(throttle(30, LimitState("orders", 5, 60, 0, 30), LimitState('odd"\r\nna\\me ü', 1, 1)))
    assert reply.header("RateLimit") == '"default";r=0;t=30, "odd\\"na\\\\me ";r=0;t=1'
    assert "orders" not in repr(reply)


def test_hidden_and_absent_are_the_same_bytes_whatever_the_truth():
    truths = [
        challenge(),
        deny(Reason.ROLE_MISSING, ROLE),
        throttle(status=403),
        malformed(Reason.CREDENTIALS_UNPARSABLE, "no", (BEARER,)),
        Unavailable("store", 9),
        deny(Reason.METHOD_REFUSED, status=405, allow=("GET",)),
    ]
    secret = Rule("top-secret", message={"en": "Top secret"}, realm="Secret", hide=True)
    law = policy(secret, disclosure="debug")
    absent = Hide(deny(Reason.PATH_UNNAMED, rule="(default)"), "(default)")
    for fields in FORMS.values():
        for method in ("GET", "HEAD", "POST", "DELETE", "OPTIONS"):
            asked = ask_with(fields, "/top/secret", method)
            for who in (None, CAROL):
                plain = answer(absent, asked, law, who)
                assert all(answer(Hide(truth, "top-secret"), asked, law, who) == plain for truth in truths)


def test_what_is_shown_of_a_hidden_resource_holds_nothing_of_the_truth():
    law, asked = policy(), request()
    one = show(law, Hide(deny(Reason.ROLE_MISSING, ROLE), "orders"), asked, CAROL)
    assert one is show(law, Hide(throttle(), "elsewhere"), asked, CAROL)
    assert not hasattr(one, "truth")
    assert (one.challenges, one.required_role, one.retry_after, one.limits, one.who) == ((), "", 0, (), "")


def test_only_the_request_id_differs_between_two_equal_refusals():
    one, other = answer(challenge()), answer(challenge(), request_id=OTHER_ID)
    assert one.body.replace(ID.encode(), b"") == other.body.replace(OTHER_ID.encode(), b"")
    assert one.headers[:-1] == other.headers[:-1]
    assert one.headers[-1] == ("X-Request-ID", ID)


def test_the_memory_keeps_refusals_apart():
    law = policy()
    seen = {
        (*answer(verdict, ask_with(fields), law, who).headers, answer(verdict, ask_with(fields), law, who).body)
        for verdict in (
            challenge(),
            challenge(Reason.SESSION_EXPIRED),
            deny(Reason.ROLE_MISSING, ROLE),
            throttle(2),
            throttle(3),
        )
        for fields in ({"accept": "*/*"}, {"accept": "text/plain"}, {"accept": "*/*", "accept-language": "ru"})
        for who in (None, CAROL)
    }
    # Known or not matters for the role alone, and only in JSON.
    assert len(seen) == 5 * 3 + 2


def test_another_policy_is_another_memory():
    first, second = policy(), policy(body="simple")
    assert "status" in body(answer(challenge(), under=first))
    assert "status" not in body(answer(challenge(), under=second))
    for number in range(20):
        assert answer(challenge(), under=policy(realm=f"r{number}")).status == 401
    assert "status" in body(answer(challenge(), under=first))


def test_a_rule_speaks_in_its_own_words_by_language():
    rule = Rule("orders", message={"en": "Admin privileges required", "ru": "Нужен администратор"})
    law = policy(rule)
    assert body(answer(deny(), under=law))["message"] == "Admin privileges required"
    assert body(answer(deny(), under=law))["detail"] == "Admin privileges required"
    russian = request(accept="*/*", accept_language="ru")
    assert body(answer(deny(), russian, law))["message"] == "Нужен администратор"
    german = request(accept="*/*", accept_language="de")
    assert body(answer(deny(), german, law))["message"] == "Admin privileges required"
    assert body(answer(deny(), under=policy(Rule("orders", message={"": "Nein"}))))["message"] == "Nein"
    assert body(answer(deny(), under=policy(Rule("orders", message={"de": "Nein"}))))["message"] == "Nein"
    portuguese = request(accept="*/*", accept_language="pt-BR")
    assert body(answer(deny(), portuguese, policy(Rule("orders", message={"pt": "Não"}))))["message"] == "Não"


@pytest.mark.parametrize("verdict", [challenge(), deny(Reason.CSRF_MISSING), deny(Reason.METHOD_UNCLAIMED), throttle()])
def test_the_words_of_a_rule_are_about_its_needs_alone(verdict):
    law = policy(Rule("orders", message={"en": "Admin privileges required"}))
    assert b"Admin privileges" not in answer(verdict, under=law).body


def test_bodies_for_programs_stay_small_whatever_the_policy_says():
    huge = "\U0001f6aa" * 5000
    rule = Rule("orders", message={"en": huge})
    for cure in (Cure(Act.GAIN_ROLE, roles=(huge,)), Cure(Act.GAIN_GRANT, permission="\x01" * 5000)):
        for form in ({"accept": "*/*"}, {"accept": "text/plain"}):
            reply = answer(deny(Reason.ROLE_MISSING, cure), ask_with(form), policy(rule), CAROL)
            assert len(reply.body) <= LARGEST
    assert body(answer(deny(Reason.ROLE_MISSING, cure), under=policy(rule), who=CAROL))["code"] == "access-denied"


@pytest.mark.parametrize("realm", ['a"b\\c', "\r\nSet-Cookie: a=b", "ü\x00é", "Shop"])
def test_a_realm_from_the_configuration_cannot_inject_a_field(realm):
    law = policy(realm=realm)
    lines = tuple(scheme.challenge(law, "".join(c for c in realm if " " <= c <= "~"), Hint()) for scheme in law.schemes)
    for fields in ({"accept": "*/*"}, SCRIPT):
        reply = answer(
            Challenge(Reason.CREDENTIALS_MISSING, "orders", lines, Cure(Act.AUTHENTICATE)), ask_with(fields), law
        )
        for name, value in reply.headers:
            assert name.lower() != "set-cookie"
            assert not set("\r\n\x00") & set(value)
        assert not isinstance(parse_challenges(list(reply.all("WWW-Authenticate"))), Flaw)
    only_basic = challenge(Reason.CREDENTIALS_MISSING, BASIC)
    stand_in = answer(only_basic, ask_with(SCRIPT), law).header("WWW-Authenticate")
    assert stand_in.startswith("Session realm=")


@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=60))
def test_no_text_of_a_policy_or_verdict_breaks_a_reply(message, role, note):
    rule = Rule("orders", message={"en": message})
    told = body(answer(deny(Reason.ROLE_MISSING, Cure(Act.GAIN_ROLE, roles=(role,))), under=policy(rule), who=CAROL))
    assert told["message"] == message
    assert body(answer(Malformed(Reason.HOST_BAD, note)))["code"] == "malformed-request"


MASKED = Rule("oncology-ward", mask=True, message={"en": "Oncology only"}, realm="Oncology", scopes=("oncology:read",))
WORDS = ("oncology", "radiology", "ward", "document", "patients")


def _masked_verdicts():
    named = AuthChallenge(
        "Bearer", (("realm", "Oncology"), ("error", "insufficient_scope"), ("scope", "oncology:read"))
    )
    yield deny(Reason.ROLE_MISSING, Cure(Act.GAIN_ROLE, roles=("radiology",)), rule="oncology-ward")
    yield deny(
        Reason.GRANT_MISSING, Cure(Act.GAIN_GRANT, permission="oncology", object="document:7"), rule="oncology-ward"
    )
    yield Deny(Reason.SCOPE_MISSING, "oncology-ward", Cure(Act.WIDEN_SCOPE, scopes=("oncology:read",)), (named,))
    yield challenge(Reason.TOKEN_EXPIRED, AuthChallenge("Bearer", named.params[:1]), rule="oncology-ward", login=False)
    yield throttle(9, LimitState("oncology-reads", 5, 60, 0, 9), rule="oncology-ward")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("verdict", list(_masked_verdicts()), ids=lambda v: v.reason)
def test_no_word_of_a_masked_resource_leaves_the_house(form, verdict):
    law = policy(MASKED, disclosure="debug")
    reply = answer(verdict, ask_with(FORMS[form], "/wards/oncology/patients/7"), law, CAROL)
    sent = (repr(reply.headers) + reply.body.decode()).lower()
    # Our own name has a word of the rule in it, and the way to the documentation has our name.
    for word in WORDS:
        assert word not in sent.replace("doorward", ""), word


def test_masked_denials_all_say_access_denied():
    law = policy(MASKED)
    for verdict in _masked_verdicts():
        if isinstance(verdict, Deny):
            told = body(answer(verdict, under=law, who=CAROL))
            assert (told["title"], told["error"], told["detail"]) == ("Access denied",) * 2 + (told["message"],)
            assert told["message"] == "Access denied – contact your administrator."
            assert not any(name.startswith("required") for name in told)


def test_scripts_of_allowed_origins_may_read_every_refusal():
    law = policy(settings=settings(cors=Cors(frozenset({"https://app.example"}))))
    reply = answer(challenge(), request(accept="*/*", origin="https://app.example"), law)
    assert reply.header("Access-Control-Allow-Origin") == "https://app.example"
    assert reply.header("Access-Control-Allow-Credentials") == "true"
    assert "WWW-Authenticate, Retry-After" in reply.header("Access-Control-Expose-Headers")
    for origin in ("https://evil.example", "null", "https://app.example.evil.example", "HTTPS://APP.EXAMPLE", ""):
        other = answer(challenge(), request(accept="*/*", origin=origin), law)
        assert not other.header("Access-Control-Allow-Origin")
        assert other.header("Vary").endswith(", Origin")


def test_extra_fields_are_added_and_checked():
    law, asked = policy(), request(accept="*/*")
    shown = show(law, challenge(), asked, None)
    reply = render(law, shown, asked, ID, [("DPoP-Nonce", "abc")])
    assert reply.header("DPoP-Nonce") == "abc"
    page = render(law, shown, ask_with(NAVIGATION), ID, [("Set-Cookie", "a=b")])
    assert (page.status, page.header("Set-Cookie")) == (303, "a=b")
    with pytest.raises(ValueError, match="field"):
        render(law, shown, asked, ID, [("X", "a\r\nb: c")])
    with pytest.raises(ValueError, match="request id"):
        render(law, shown, asked, "not an id")


def test_a_refusal_before_identity_needs_one_call():
    law, asked = policy(), request(accept="*/*")
    assert refuse(law, challenge(), asked, ID) == answer(challenge(), asked, law)


def test_our_own_bug_tells_nothing_but_the_id():
    reply = render_bug(policy(disclosure="debug"), request(accept="*/*"), ID)
    assert (reply.status, body(reply)["code"], reply.header("X-Request-ID")) == (500, "internal-error", ID)
    assert "reason" not in body(reply)
    last = failure(ID)
    assert (last.status, last.header("X-Request-ID"), last.header("Cache-Control")) == (500, ID, "no-store")
    assert render_bug(policy(), ask_with(NAVIGATION), ID).body.startswith(b"<!doctype html>")


def test_memories_are_bounded():
    law, asked = policy(), request(accept="*/*")
    for wait in range(1, 3000):
        answer(throttle(wait), asked, law)
    shown = show(law, challenge(), asked, None)
    for language in range(300):
        render(law, shown, request(accept="*/*", accept_language=f"x{language}"), ID)
    assert len(shown.memo) == 1
