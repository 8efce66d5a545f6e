"""Warnings: each with its line and what to write instead, and silent where there is nothing to say."""

from __future__ import annotations

import pytest
from policytexts import one, rule, said

BASIC = 'version = 1\nrealm = "x"\n[credentials]\nbasic = {}\n'
BOTH = BASIC + "session = {}\n"
SECRET = rule(path='"/s/x"', roles='"a"', hide="true")
LIMIT = '{ rate = "5/minute" }'
GATE = '[[gate]]\nname = "g"\nlimit = { rate = "5/minute" }\n'

WARNED = [
    ("", 'version = 1\ndefault = "public"\n', "2 W204 a path that no rule names is open to anybody. Closed by default"),
    (BOTH, "[tls]\nrequire = false\n", "2 W206 basic may travel in clear: [tls] require = false. Write require = true"),
    (BASIC, "", "-1 W207 scripts are never asked for Basic, and there is nothing else to ask them for. Accept session"),
    (BOTH, rule(schemes='["basic"]'), '4 W207 rule "r": scripts are never asked for Basic, and it takes nothing else.'),
    (BOTH, '[proxy]\ntrusted = ["0.0.0.0/0"]\n', "2 W208 [proxy] trusted covers every address there is: any client ma"),
    (BOTH, '[proxy]\ntrusted = ["0.0.0.0/1", "128.0.0.0/1"]\n', "2 W208 [proxy] trusted covers every address there is"),
    (BOTH, '[proxy]\ntrusted = ["::/0"]\n', "2 W208 [proxy] trusted covers every address there is"),
    (BOTH, '[groups.a]\nnetworks = ["10.0.0.0/8"]\n', '1 W209 group "a" is never used. Name it in a rule or gate.'),
    (BOTH, "[roles]\na = []\n", '2 W209 role "a" is neither required by a rule nor including another. Require it, or'),
    (BOTH, '[roles]\nb = ["a"]\n', '2 W209 role "a" is neither required by a rule nor including another.'),
    (BOTH, rule(access='"public"'), '4 W210 rule "r": anybody may write here as often as he likes. Write methods = ["'),
    (BOTH, rule(access='"public"', methods='["LOCK"]'), '4 W210 rule "r": anybody may write here'),
    (BOTH, '[cors]\norigins = ["*"]\n', '2 W211 [cors] origins has "*". It is ignored here, for credentials are allow'),
    (BOTH, '[cors]\norigins = ["null", "https://a.example"]\n', '2 W211 [cors] origins has "null".'),
    (BOTH, rule(roles='"a"', csrf="false"), '5 W205 rule "r": csrf = false, and it accepts basic and session: foreign'),
    (BOTH, rule(access='"public"', limit=LIMIT, csrf="false"), '6 W205 rule "r": csrf = false, and it accepts basic a'),
    (BOTH, SECRET + rule(name='"w"', path='"/s/**"', roles='"b"'), '5 W203 rule "r" is hidden, but rule "w" answers a'),
    (BOTH, SECRET + rule(name='"w"', path='"/s/**"', methods='"GET"', access='"public"'),
     '5 W203 rule "r" is hidden, but a rule that does not take the method answers an absent neighbour with 403, so'),
    (BOTH, SECRET + rule(name='"w"', path='"/s/**"', access='"public"', limit=LIMIT),
     '5 W213 rule "r" is hidden among paths that the application answers. Its 404s under the same parent are'),
    (BOTH, SECRET + '[[gate]]\nname = "g"\npath = "/s/x"\nlimit = { rate = "5/minute" }\n',
     '2 W203 rule "r" is hidden, but gate "g" covers it and not its neighbours. Widen the gate to the parent path.'),
    (BOTH, SECRET + rule(name='"w"', path='"/s/**"', access='"nobody"'), '5 W203 rule "r" is hidden, but rule "w" ans'),
    (BOTH, "[answers]\nhide = true\n" + rule(path='"/s/x"', roles='"a"')
     + rule(name='"w"', path='"/s/**"', hide="false", roles='"b"'), '4 W203 rule "r" is hidden, but rule "w" answers'),
]  # fmt: skip


@pytest.mark.parametrize(("head", "body", "told"), WARNED, ids=range(len(WARNED)))
def test_what_is_seldom_meant_is_warned_of(head: str, body: str, told: str) -> None:
    found = one(body, head=head)
    assert found.startswith(told), found


QUIET = [
    (BASIC, "[answers]\nbasic_for_scripts = true\n"),
    (BOTH, "[answers]\nbasic_for_scripts = true\n" + rule(schemes='["basic"]')),
    (BOTH, '[tls]\nrequire = "redirect"\n'),
    (BOTH, '[proxy]\ntrusted = ["10.0.0.0/8"]\n'),
    (BOTH, '[groups.a]\nnetworks = ["10.0.0.0/8"]\n' + rule(from_='"a"')),
    (BOTH, '[groups.a]\nnetworks = ["10.0.0.0/8"]\n[[gate]]\nname = "g"\nonly = "a"\n'),
    (BOTH, '[roles]\na = ["b"]\n' + rule(path='"/{id}"', owner='"{id}"', or_roles='"b"')),
    (BOTH, rule(access='"public"', methods='["GET", "OPTIONS"]')),
    (BOTH, rule(access='"public"', limit=LIMIT)),
    (BOTH, rule(roles='"a"', csrf="false", methods='"GET"')),
    (BOTH, rule(access='"nobody"', csrf="false")),
    (BOTH, SECRET),
    (BOTH, SECRET + rule(name='"w"', path='"/s/**"', roles='"b"', hide="true")),
    (BOTH, SECRET + '[[gate]]\nname = "g"\npath = "/s/**"\nlimit = { rate = "5/minute" }\n'),
    (BOTH, SECRET + GATE),
    (BOTH, rule(path='"/**"', roles='"a"', hide="true")
     + '[[gate]]\nname = "g"\npath = "/x"\nlimit = { rate = "1/day" }\n'),
    (BOTH, rule(path='"/s/{d}"', acl='{ object = "{d}", GET = "read" }', hide='"unless-readable"')),
]  # fmt: skip


@pytest.mark.parametrize(("head", "body"), QUIET, ids=range(len(QUIET)))
def test_what_is_meant_is_not_warned_of(head: str, body: str) -> None:
    assert said(body, head=head) == []


def test_an_open_default_is_warned_of_and_opens_what_is_hidden() -> None:
    head = 'version = 1\nrealm = "x"\ndefault = "authenticated"\n[credentials]\nsession = {}\n'
    assert [line.split(" ")[1] for line in said(SECRET, head=head)] == ["W204", "W213"]


def test_a_rule_with_an_error_is_not_warned_of() -> None:
    assert [line.split(" ")[1] for line in said(rule(access='"public"', csrf="7"), head=BOTH)] == ["E103"]


def test_an_ignored_origin_of_cors_does_not_count() -> None:
    from policytexts import policy

    assert policy('[cors]\norigins = ["*", "null", "https://a.example"]\n').settings.cors.origins == {
        "https://a.example"
    }
