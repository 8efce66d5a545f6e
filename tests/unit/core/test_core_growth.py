"""No text a client chooses makes the core work more than in proportion to its length.

Nothing is compared with seconds: a text four times as long may cost at most twelve times as much processor time; what
grows with the square costs sixteen times, what grows faster never ends. A busy machine is given five tries.
"""

from __future__ import annotations

from collections.abc import Callable
from time import thread_time
from typing import Any

import pytest

from doorward.core.authenticate import Hint, challenge, find_credential
from doorward.core.challenge import is_b64token, parse_challenges, split_authorization
from doorward.core.cure import Act
from doorward.core.path import read_target, safe_return
from doorward.core.reason import Reason
from doorward.core.request import Headers, Vantage, Via, observe, read_host
from kit import World, account, judge, networks, policy, rule, view

TRUSTED = Vantage(("http://localhost",), networks("127.0.0.0/8"), "forwarded")
X = Vantage(("http://localhost",), networks("127.0.0.0/8"))
RULES = policy(rule("/a/{b}/{c}/**", access="authenticated"), rule("/**", access="authenticated"), tls_require=False)


def seen(vantage: Vantage, name: str) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        fields = Headers([("host", "localhost"), (name, text)])
        via = Via("127.0.0.1", "127.0.0.1", "http", local_listener=True)
        return observe(vantage, method="GET", target="/", headers=fields, via=via, at=0)

    return read


def decided(text: str) -> Any:
    return judge(RULES, view("GET", text), World().with_accounts(account("a")))


READERS: dict[str, Callable[[str], Any]] = {
    "target": read_target,
    "decide": decided,
    "return": safe_return,
    "host": lambda text: read_host.__wrapped__(text, "http"),
    "forwarded": seen(TRUSTED, "forwarded"),
    "x-forwarded-for": seen(X, "x-forwarded-for"),
    "x-forwarded-proto": seen(X, "x-forwarded-proto"),
    "challenges": lambda text: parse_challenges([text]),
    "lenient": lambda text: parse_challenges([text], lenient=True),
    "authorization": split_authorization,
    "b64": is_b64token,
    "cookie": lambda text: find_credential(RULES, view("GET", "/", {"cookie": text})),
    "basic": lambda text: find_credential(RULES, view("GET", "/", {"authorization": "Basic " + text})),
}
SHAPES = [
    *("a", "/", "/a", "/a/b", "%41", "/%2", "%", ".", "/.", "~", ".sql", ".env", "a.", "-", "_", "a-"),
    *('"', '\\"', '"\\', '"a', "=", "a=", 'a="', "a=b,", "a ", "a,", ", ", " ", "\t", ";", "for=", 'for="', "for=1;"),
    *("[", ":", "[::1],", "https,", "1.1.1.1,", "=;", "__Host-doorward=", "__Host-doorward=a;", "b=c; ", "\r\n "),
]


def cost(read: Callable[[str], Any], text: str) -> float:
    best = float("inf")
    for _ in range(3):
        begin = thread_time()
        read(text)
        best = min(best, thread_time() - begin)
    return best


@pytest.mark.parametrize("name", sorted(READERS))
def test_work_grows_with_the_length_of_the_text_and_not_with_its_square(name: str) -> None:
    read = READERS[name]
    slow = {}
    for shape in SHAPES:
        for prefix, suffix in (("", ""), ("/", "\x00"), ('a="', "!"), ("a b", '"')):
            short, long = (prefix + shape * (size // len(shape)) + suffix for size in (4_096, 16_384))
            # Below the noise of the clock a ratio says nothing.
            if all(cost(read, long) > 12 * max(cost(read, short), 0.0005) for _ in range(5)):
                slow[prefix, shape] = cost(read, long)
    assert slow == {}


def test_challenges_are_made_once_per_rule_and_the_memory_of_them_is_bounded() -> None:
    one, two = rule("/a"), rule("/b")
    rules = policy(one, two)
    first = challenge(rules, one, Reason.CREDENTIALS_MISSING, Act.AUTHENTICATE)
    assert challenge(rules, one, Reason.CREDENTIALS_MISSING, Act.AUTHENTICATE) is first
    assert challenge(rules, two, Reason.CREDENTIALS_MISSING, Act.AUTHENTICATE) is not first
    for age in range(5_000):
        challenge(rules, one, Reason.LOGIN_TOO_OLD, Act.STEP_UP, "bearer", Hint(Reason.LOGIN_TOO_OLD, max_age=age))
        assert len(rules.memo) <= 4_096
    again = challenge(rules, one, Reason.CREDENTIALS_MISSING, Act.AUTHENTICATE)
    assert again == first
