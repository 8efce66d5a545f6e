"""Every error code with its line and its mend. One case a mistake; the text is what the operator reads."""

from __future__ import annotations

from pathlib import Path

import pytest
from policytexts import HEAD, load, one, rule, said

BARE = 'version = 1\nrealm = "shop"\n'
SESSION = BARE + "[credentials]\nsession = {}\n"


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"a = \n", "1: E101 not TOML: Invalid value. Text stands in quotation marks, tables in [brackets]."),
        (b"version = 1\nb c = 2\n", "2: E101 not TOML: Expected '=' after a key in a key/value pair. Text stands in"),
        (b"version = 1\nversion = 2\n", "2: E101 not TOML: Cannot overwrite a value. A key or table stands twice."),
        (b"[a]\n[a]\n", "2: E101 not TOML: Cannot declare ('a',) twice. A key or table stands twice."),
        (b'\n\na = "x\xff"\n', "3: E101 not UTF-8. Save the file as UTF-8."),
        (b"\xef\xbb\xbfversion = 1\n", "1: E101 the file begins with a byte order mark. Save it as UTF-8 without one."),
        (b"a = " + b"[" * 9_000, "1: E101 not TOML that can be read: it nests too deeply. Flatten it."),
        (b"a = " + b"9" * 9_000, "1: E101 not TOML: "),
        (b"a = 1\n\nb = [", "3: E101 not TOML: "),
    ],
    ids=["value", "key", "twice", "table twice", "utf-8", "bom", "deep", "digits", "end"],
)
def test_what_is_not_toml_is_told_with_its_line(data: bytes, text: str) -> None:
    from doorward.policyfile.load import load_text

    loaded = load_text(data, file="f", folder=Path())
    assert loaded.policy is None
    (finding,) = loaded.findings
    assert finding.text("f").startswith(f"f:{text}")


TOP = [
    ("", "1 E103 version is missing. Write version = 1 in the first line."),
    ("version = 2\n", "1 E103 version = 2. Write version = 1."),
    ("version = true\n", "1 E103 version = true. Write version = 1."),
    ('version = "1"\n', '1 E103 version = "1". Write version = 1.'),
    ("version = 1\nrule = 3\n", "2 E103 rule = 3. Write [[rule]]."),
    ("version = 1\n[rule]\n", "2 E103 [rule] is one table. Write [[rule]]."),
    ("version = 1\n[gate]\n", "2 E103 [gate] is one table. Write [[gate]]."),
    ("version = 1\nrule = [4]\n", "2 E103 rule 1: 4 is no table. Write { … }."),
    ("version = 1\nanswers = 4\n", "2 E103 [answers] 4 is no table. Write { … }."),
    ("version = 1\nxyzzy = 4\n", '2 E102 unknown key "xyzzy". Known here: '),
    ("version = 1\n[answer]\n", '2 E102 unknown table "answer". Did you mean "answers"?'),
    ("version = 1\n[[rules]]\n", '2 E102 unknown table "rules". Did you mean "rule"?'),
    ('version = 1\n"\\u001b[2J" = 1\n', '2 E102 unknown key "\\u001b[2J". '),
    ("version = 1\n[[gates]]\n", "2 E102 [[gates]] is no table of this file. Write [[gate]]; [gates] holds"),
    ('version = 1\nrealm = ""\n', '2 E103 realm = "". Write printable ASCII; it stands in header fields.'),
    ('version = 1\nrealm = "läden"\n', '2 E103 realm = "läden". Write printable ASCII; it stands in header fields.'),
    ("version = 1\nrealm = 5\n", "2 E103 realm = 5. Write a text in quotation marks."),
    ("version = 1\n[credentials]\nsession = {}\n", "1 E103 realm is missing: it names the protection space. Write for"),
    ('version = 1\ndefault = "open"\n', '2 E103 default = "open". Write "deny", "authenticated" or "public".'),
]


@pytest.mark.parametrize(("text", "told"), TOP)
def test_a_mistake_at_the_top_is_told(text: str, told: str) -> None:
    assert one(text, head="").startswith(told)


ANYWHERE = [
    (rule(schemes='" "'), '4 E103 rule "r": " " is no name. Write a name that can be read.'),
    # E102
    ("[answers]\nbdy = 1\n", '2 E102 [answers] unknown key "bdy". Did you mean "body"?'),
    (rule(roles='["a"]', onwer='"{id}"'), '5 E102 rule "r": unknown key "onwer". Did you mean "owner"?'),
    (rule(when='{ dayz = "mon", zone = "UTC", hours = "08:00-09:00" }'), '4 E102 rule "r": unknown key "dayz". Did yo'),
    ('[[gate]]\nname = "g"\nblock = { networks = ["10.0.0.0/8"] }\nroles = ["a"]\n', '4 E102 gate "g": roles belongs '),
    # E103
    (rule(access='"nobdy"'), '4 E103 rule "r": access = "nobdy". Write "public", "authenticated" or "nobody".'),
    (rule(roles="[]"), '4 E103 rule "r": roles is empty. Name at least one, or leave the key out.'),
    (rule(roles='["a", "a"]'), '4 E103 rule "r": roles names one thing twice. Name each once.'),
    (rule(roles="7"), '4 E103 rule "r": roles = 7. Write a text in quotation marks.'),
    (rule(roles='["a", 7]'), '4 E103 rule "r": roles = 7. Write a text in quotation marks.'),
    (rule(roles='["a b"]'), '4 E103 rule "r": a b is no role. Write a name without blanks and commas.'),
    (rule(roles='"a"', csrf='"no"'), '5 E103 rule "r": csrf = "no". Write true or false, without quotation marks.'),
    (rule(roles='"a"', realm='"\\t"'), '5 E103 rule "r": realm = "\\t". Write printable ASCII'),
    (rule(methods='"get"', roles='"a"'), '4 E103 rule "r": method get. Methods are upper case. Write "GET".'),
    (rule(methods='"G T"', roles='"a"'), '4 E103 rule "r": method G T. Methods are upper case. Write a name such as "'),
    (rule(scopes='["a b"]'), '4 E103 rule "r": a b is no scope. Write one scope a text, without blanks'),
    (rule(path="", roles='"a"'), '1 E103 rule "r": path is missing. Write for example path = "/admin/**".'),
    ('[[rule]]\npath = "/a"\nroles = "a"\n', "1 E103 rule 1: name is missing. Names stand in answers to operators, th"),
    ('[[rule]]\nname = 7\npath = "/a"\nroles = "a"\n', '2 E103 rule "1": name = 7. Write a text in quotation marks.'),
    ('[[rule]]\nname = ""\npath = "/a"\nroles = "a"\n', "2 E103 rule 1: name is empty. Write something, or leave the "),
    (rule(name='"a\\tb"', roles='"a"'), '2 E103 rule "a\\u0009b": name has a control character. Take it out.'),
    (rule(owner='"id"'), '4 E103 rule "r": owner = "id". Write a variable of the path in braces, for example "{id}".'),
    (rule(owner="7"), '4 E103 rule "r": owner = 7. Write a text in quotation marks.'),
    (rule(owner='{ attribute = "x" }'), '4 E103 rule "r": owner: is is missing. Write owner = { is = "{id}"'),
    (rule(acl="7"), '4 E103 rule "r": acl: 7 is no table. Write { … }.'),
    (rule(acl='{ GET = "read" }'), '4 E103 rule "r": acl: object is missing. Write for example object = "document:{do'),
    (rule(acl='{ object = "a" }'), '4 E103 rule "r": acl: it names no method. Write for example GET = "read", PUT'),
    (rule(acl='{ object = "a", GET = "look" }'), '4 E103 rule "r": acl: GET = "look". Write "read", "write" or "execu'),
    (rule(acl='{ object = "a", HEAD = "read" }'), '4 E103 rule "r": acl: HEAD follows GET. Take it out.'),
    (rule(acl='{ object = "a{b", GET = "read" }'), '4 E103 rule "r": acl: object = "a{b". Write variables of the path'),
    (rule(when='{ zone = "UTC" }'), '4 E103 rule "r": when says neither days nor hours. Write for example hours'),
    (rule(when='{ days = "Monday", zone = "UTC" }'), '4 E103 rule "r": days = "Monday". Write "mon-fri", "sat", or a '),
    (rule(when='{ hours = "8.30 to 17", zone = "UTC" }'), '4 E103 rule "r": hours = "8.30 to 17". Write "08:30-17:00"'),
    (rule(when='{ hours = "always", zone = "UTC" }'), '4 E103 rule "r": hours = "always". Write "08:00-18:00".'),
    (rule(fresh="{}"), '4 E103 rule "r": fresh: max_age is missing. Write for example fresh = { max_age = "5m" }.'),
    (rule(fresh='{ max_age = "5 min" }'), '4 E103 rule "r": fresh: max_age = "5 min". Write a number above 0 and a un'),
    (rule(fresh='{ max_age = "999999999d" }'), '4 E103 rule "r": fresh: max_age = "999999999d". Nothing here lasts'),
    (rule(roles='"a"', message="7"), '5 E103 rule "r": message: 7 is no table. Write { … }.'),
    (rule(roles='"a"', limit="[]"), '5 E103 rule "r": limit is empty. Write limit = { rate = "5/minute", by = ["ip"] '),
    (rule(roles='"a"', limit='{ by = "ip" }'), '5 E103 rule "r": limit: rate is missing. Write for example rate = "5/'),
    (rule(roles='"a"', limit='{ rate = "5/min" }'), '5 E103 rule "r": limit: rate = "5/min". Write a number and a per'),
    (rule(roles='"a"', limit='{ rate = "0/hour" }'), '5 E103 rule "r": limit: rate = "0/hour". Write a number and a p'),
    (rule(roles='"a"', limit='{ rate = "5/hour", burst = 0 }'), '5 E103 rule "r": limit: burst = 0. Write a whole num'),
    (rule(roles='"a"', limit='{ rate = "5/hour", by = "host" }'), '5 E103 rule "r": limit: by names "host". Write "ip'),
    (rule(roles='"a"', limit='{ rate = "5/hour", by = "ip+ip" }'), '5 E103 rule "r": limit: by names "ip+ip". Write'),
    (rule(roles='"a"', limit='{ rate = "5/hour", status = 503 }'), '5 E103 rule "r": limit: status = 503. Write 429 o'),
    (rule(roles='"a"', limit="7"), '5 E103 rule "r": limit: 7 is no table. Write { … }.'),
    ('[[gate]]\nname = "g"\nlimit = { rate = "5/hour", by = "account" }\n', '3 E103 gate "g": limit: by names "accoun'),
    ("[groups.a]\n", '1 E103 group "a": it has no networks. Write networks = ["10.0.0.0/8"].'),
    ('[roles]\n"a b" = []\n', '2 E103 [roles] "a b" is no role. Write a name without blanks and commas.'),
    ('[cors]\norigins = ["https://a.example/"]\n', "2 E103 [cors] https://a.example/ is no origin. Write scheme and h"),
    ('[cors]\norigins = ["https://a.example:443"]\n', "2 E103 [cors] https://a.example:443 is not as browsers write i"),
    ('[cors]\norigins = ["https://A.example"]\n', "2 E103 [cors] https://A.example is not as browsers write it. Write"),
    ('[cors]\norigins = ["ftp://a.example"]\n', "2 E103 [cors] ftp://a.example is no origin."),
    ('[cors]\nheaders = ["A B"]\n', '2 E103 [cors] A B is no name of a header field. Write one such as "X-API-Key".'),
    ('[cors]\npreflight = "off"\n', '2 E103 [cors] preflight = "off". Write "auto".'),
    ("[cors]\nrefused_origin = 404\n", "2 E103 [cors] refused_origin = 404. Write 204 or 403."),
    ('[server]\nmax_head = "1GiB"\n', '2 E103 [server] max_head = "1GiB". It is above what the listener can do.'),
    ('[server]\nmax_target = "1B"\n', '2 E103 [server] max_target = "1B". It is below what the listener can do.'),
    ('[server]\nmax_target = "32KiB"\n', '2 E103 [server] max_target = "32KiB". The head holds the target'),
    ('[server]\nmax_head = "2KiB"\n', '2 E103 [server] max_head = "2KiB". The head holds the target'),
    ('[server]\nmax_body = "10 MB"\n', '2 E103 [server] max_body = "10 MB". Write a number above 0 and a unit: "64KiB'),
    ('[proxy]\nheader = "via"\n', '2 E103 [proxy] header = "via". Write "x-forwarded-for" or "forwarded".'),
    ('[login]\npage = "login"\n', '2 E103 [login] page = "login". Write a path of this site, for example "/login".'),
    ('[login]\npage = "/.doorward/other"\n', "2 E103 [login] /.doorward/ belongs to doorward itself. Write a path of"),
    ('[login]\npublic = "/x"\n', "2 E103 [login] the built-in page brings its assets along. Take it out, or name"),
    ('[login]\nhome = "//evil.example"\n', '2 E103 [login] home = "//evil.example". Write a path of this site'),
    ('[limits]\nwhen_down = "ajar"\n', '2 E103 [limits] when_down = "ajar". Write "closed" or "open".'),
    ("[limits]\nlogin = { free = 0 }\n", "2 E103 [limits] login: free = 0. Write a whole number from 1 to 1000."),
    ("[limits]\nlogin = { free = true }\n", "2 E103 [limits] login: free = true. Write a whole number from 1 to 1000."),
    ('[limits]\nlogin = { first_delay = "1h" }\n', '2 E103 [limits] login: first_delay = "1h". max_delay is the longe'),
    ('[limits]\nlogin = { max_delay = "1s", first_delay = "2s" }\n', '2 E103 [limits] login: first_delay = "2s". max_'),
    ('[upstream]\nheaders = { user = "Authorization" }\n', '2 E103 [upstream] headers: user = "Authorization". Write '),
    ('[answers]\ntype_base = "x"\n', '2 E103 [answers] type_base = "x". Write an address that ends where the code'),
    ('[pages]\nsupport_url = "javascript:x"\n', '2 E103 [pages] support_url = "javascript:x". Write an address'),
    ('[pages]\ntemplates = "none"\n', '2 E103 [pages] templates = "none". There is no such folder.'),
    ('[messages]\noverrides = "none.json"\n', "2 E103 [messages] none.json cannot be read: there is no such file. Nam"),
    ('[tls]\nrequire = "no"\n', '2 E103 [tls] require = "no". Write true, false or "redirect".'),
    ('[ledger]\nmax_size = "1KiB"\n', '2 E103 [ledger] max_size = "1KiB". It is below what the listener can do.'),
    # E104
    (rule(roles='"a"') + rule(path='"/b"', roles='"a"'), '6 E104 rule "r": a rule above has this name. Give each'),
    ('[[gate]]\nname = "r"\nlimit = { rate = "1/hour" }\n' + rule(roles='"a"'), '5 E104 rule "r": a gate above has th'),
    (rule(name='"sensitive-files"', roles='"a"'), '2 E104 rule "sensitive-files": this name belongs to doorward itsel'),
    (rule(name='"(default)"', roles='"a"'), '2 E104 rule "(default)": this name belongs to doorward itself. Choose'),
    ('[issuers.b]\nissuer = "https://idp.example"\njwks = "https://idp.example/b"\nalgorithms = ["RS256"]\n',
     '2 E104 issuer "b": issuer "idp" has the same name in its tokens. Give one of them up.'),
    ('[upstream]\nheaders = { user = "X-A", roles = "x-a" }\n', "2 E104 [upstream] headers: two of the four have one "),
    # E105
    ('[roles]\na = ["c"]\n' + rule(roles='"b"', or_roles=""), '6 E105 rule "r": unknown role "b".'),
    ('[roles]\nadmin = ["c"]\n' + rule(roles='"admn"'), '6 E105 rule "r": unknown role "admn". Did you mean "admin"? '),
    (rule(roles='"a"', from_='"offce"'), '5 E105 rule "r": unknown group "offce". Write a table [groups.offce].'),
    (rule(roles='"a"', from_='"10.0.0.0/8"'), '5 E105 rule "r": from names a network, not a group. Write [groups.NAME'),
    ('[[gate]]\nname = "g"\nblock = "embrgo"\n', '3 E105 gate "g": unknown group "embrgo". Write a table [groups.embr'),
    (rule(schemes='["bearr"]'), '4 E105 rule "r": unknown scheme "bearr". Did you mean "bearer"?'),
    (rule(schemes='["basic", "session"]'), '4 E105 rule "r": scheme "basic" is not in [credentials]. Write basic ther'),
    (rule(issuers='["ipd"]'), '4 E105 rule "r": unknown issuer "ipd". Did you mean "idp"?'),
    # E106
    (rule(path='"a"', roles='"a"'), '3 E106 rule "r": path "a" does not begin with "/". Write "/a".'),
    (rule(path='"/a*"', roles='"a"'), '3 E106 rule "r": path "/a*" has "*" inside. "**" stands only as the last segme'),
    (rule(path='"/a/{x}/{x}"', roles='"a"'), '3 E106 rule "r": path "/a/{x}/{x}" has a variable twice.'),
    (rule(path='"/a"', owner='"{id}"'), '4 E106 rule "r": owner uses {id}, but its path has no variable.'),
    (rule(path='["/a/{id}", "/b"]', owner='"{id}"'), '4 E106 rule "r": owner uses {id}, but path /b does not have it.'),
    (rule(path='"/{a}/{b}"', owner='{ is = "{id}" }'), '4 E106 rule "r": owner uses {id}, but its path has only {a} a'),
    (rule(path='"/a/{x}"', acl='{ object = "d:{doc}", GET = "read" }'), '4 E106 rule "r": object uses {doc}, but its '),
    ('[login]\npage = "/login/{x"\n', '2 E106 [login] path "/login/{x" mixes text and variable in one segment.'),
    # E107
    ('[proxy]\ntrusted = ["10.0.0.1/8"]\n', "2 E107 [proxy] 10.0.0.1/8 has host bits set. Write 10.0.0.0/8, or 10.0.0"),
    ('[proxy]\ntrusted = ["2001:db8::1/32"]\n', "2 E107 [proxy] 2001:db8::1/32 has host bits set. Write 2001:db8::/32"),
    ('[groups.a]\nnetworks = ["office"]\n', '2 E107 group "a": office is no network. Write CIDR, for example'),
    ('[groups.a]\nnetworks = ["10.0.0.0/255.0.0.0"]\n', '2 E107 group "a": 10.0.0.0/255.0.0.0 is no network. Write CI'),
    ('[groups.a]\nnetworks = ["fe80::%1/64"]\n', '2 E107 group "a": fe80::%1/64 is no network. Write CIDR'),
    ('[groups.a]\nnetworks = [\n"10.0.0.0/8",\n"10.0.0.1/8",\n]\n', '4 E107 group "a": 10.0.0.1/8 has host bits set.'),
    ('[[gate]]\nname = "g"\nblock = { networks = ["x"] }\n', '3 E107 gate "g": block: x is no network. Write CIDR'),
    ('[control]\npeers = ["x"]\n', "2 E107 [control] x is no network. Write CIDR"),
    (rule(when='{ hours = "08:00-18:00", zone = "Kiev" }'), '4 E107 rule "r": Kiev is no time zone. Write an IANA nam'),
    (rule(when='{ hours = "08:00-18:00", zone = "../../etc/passwd" }'), '4 E107 rule "r": ../../etc/passwd is no time'),
    (rule(when='{ hours = "08:00-18:00", zone = "Europe" }'), '4 E107 rule "r": Europe is no time zone.'),
    (rule(when='{ hours = "08:00-25:00", zone = "UTC" }'), '4 E107 rule "r": hours "08:00-25:00" name a time that no '),
    (rule(when='{ hours = "08:61-18:00", zone = "UTC" }'), '4 E107 rule "r": hours "08:61-18:00" name a time that no '),
    (rule(when='{ hours = "08:00-08:00", zone = "UTC" }'), '4 E107 rule "r": hours "08:00-08:00" are empty. Write "00'),
    # E111, E112, E113
    (rule(schemes='["session"]', scopes='"a"'), '5 E111 rule "r": no accepted credential has scopes (session). Accept'),
    (rule(schemes='["apikey"]', fresh='{ max_age = "5m" }'), '5 E111 rule "r": no accepted credential tells when its '),
    (rule(schemes='["bearer"]', issuers='["local"]'), '5 E111 rule "r": a token never comes from local accounts. Name'),
    (rule(), '2 E112 rule "r": it has neither access nor needs. Write access = "authenticated", or name roles.'),
    (rule(access='"public"', methods='"GET"', roles='"a"'), '6 E112 rule "r": access = "public" stands beside roles. '),
    (rule(access='"nobody"', scopes='"a"'), '5 E112 rule "r": access = "nobody" stands beside scopes. Take one of the'),
    (rule(or_roles='"a"'), '4 E112 rule "r": or_roles stands without owner. Write roles, or add owner.'),
    (rule(roles='"a"', scopes_for='"all"'), '5 E112 rule "r": scopes_for stands without scopes. Add scopes, or take i'),
    (rule(roles='"a"', hide='"unless-readable"'), '5 E112 rule "r": hide = "unless-readable". Only acl says who may r'),
    ('[[gate]]\nname = "g"\npath = "/a"\n', '1 E112 gate "g": it closes nothing. Write block, only or limit.'),
    # E115, E116
    (rule(access='"public"', limit='{ rate = "1/hour", by = "principal" }'), '5 E115 rule "r": limit: a public rule d'),
    (rule(access='"public"', limit='{ rate = "1/hour", by = "ip+principal" }'), '5 E115 rule "r": limit: a public rul'),
    ('[[gate]]\nname = "g"\nlimit = { rate = "1/hour", by = "principal" }\n', '3 E115 gate "g": limit: a gate does no'),
    (rule(roles='"a"', only='"office"'), '5 E116 rule "r": only belongs in a [[gate]]; in a rule on /a it would swall'),
    (rule(path="7", block='"x"').replace("path = 7", 'path = ["/a"]'), '4 E116 rule "r": block belongs in a [[gate]];'),
]  # fmt: skip


@pytest.mark.parametrize(("body", "told"), ANYWHERE)
def test_a_mistake_is_told_with_its_line_and_its_mend(body: str, told: str) -> None:
    found = one(body, levels="E")
    assert found.startswith(told), found


def test_each_code_of_the_design_that_concerns_what_exists_has_a_case() -> None:
    told = {text.split()[1] for _, text in [*TOP, *ANYWHERE]}
    elsewhere = {"E101", "E110", "E113", "E114", "E117", "E120"}
    assert told | elsewhere == {f"E{n}" for n in (101, 102, 103, 104, 105, 106, 107, *range(110, 118), 120)}


def test_a_rule_without_any_credential_configured_can_satisfy_nobody() -> None:
    assert one(rule(roles='"a"'), head=BARE).startswith(
        '2 E111 rule "r": nobody can pass it: no credential is accepted.'
    )


def test_a_default_that_asks_for_a_login_needs_a_credential() -> None:
    found = one('default = "authenticated"\n', head=BARE, levels="E")
    assert found.startswith('1 E111 default = "authenticated", and nobody can log in. Write a table [credentials]')


def test_a_login_table_without_sessions_is_told() -> None:
    assert one("[login]\n", head=BARE) == (
        "1 E103 [login] there is no session to log in to. Write session = {} in [credentials]."
    )
    assert one('[answers]\nnavigation = "redirect"\n', head=BARE).startswith("2 E103 [answers] navigation")


def test_a_circle_of_roles_is_told_for_each_role_in_it() -> None:
    assert said('[roles]\na = ["b"]\nb = ["c"]\nc = ["a"]\nd = ["a"]\n' + rule(roles='"d"')) == [
        '2 E113 [roles] role "a" includes itself: a → b → c → a. Take one of them out.',
        '3 E113 [roles] role "b" includes itself: b → c → a → b. Take one of them out.',
        '4 E113 [roles] role "c" includes itself: c → a → b → c. Take one of them out.',
    ]
    assert one('[roles]\na = ["a"]\n').startswith('2 E113 [roles] role "a" includes itself: a → a.')


def test_everything_is_told_at_once_errors_first_each_by_line() -> None:
    text = HEAD + 'default = "x"\n'
    body = "[tls]\nrequire = false\n" + rule(roles="[]") + rule(name='"p"', path='"/p"', access='"public"') + rule()
    found = said("[answers]\nbody = 1\n" + body, levels="EWN")
    codes = [line.split()[1] for line in found]
    assert codes == ["E103", "E103", "E104", "W206", "W210"]
    assert load(text).policy is None


def test_a_rule_with_an_error_of_its_own_shadows_nobody_and_is_not_judged_twice() -> None:
    broken = rule(path='"/a/**"', scopes="[]", access='"public"')
    assert said(broken + rule(name='"s"', path='"/a/b"', roles='"a"'), levels="E") == [
        '4 E103 rule "r": scopes is empty. Name at least one, or leave the key out.'
    ]


def test_a_finding_never_shows_a_terminal_anything_to_obey() -> None:
    for line in said('[answers]\nbody = "\\u001b[2J\\u009b1m"\n' + rule(name='"\\u001b]0;x"', roles='"\\u0085"')):
        assert line.isprintable()


def test_a_long_value_is_shortened() -> None:
    found = one(f'[answers]\nbody = "{"x" * 500}"\n')
    assert len(found) < 130


@pytest.mark.parametrize(
    "value", ["1e400", "nan", "1979-05-27T07:32:00Z", "07:32:00", "[[1], {}]", "[1,2,3,4,5,6]", "{ a = 1 }", "9" * 40]
)
def test_a_value_of_any_type_is_told(value: str) -> None:
    assert one(f"[answers]\nbody = {value}\n").startswith("2 E103 [answers] body = ")
