"""What is revoked by a command is refused on open connections and from every cache, while it is used at full speed.

The promise is one second (answers.md J17); how long it took is printed, not asserted.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from itertools import combinations, count, islice

import pytest
from gateway import Gateway, serving
from issuer import basic, bearer
from recorder import recording
from wires import TRUSTING, Wire, policy, request, somewhere, until

PASSWORD = "correct horse battery"
_names = count()
_took: dict[str, float] = {}


@pytest.fixture(scope="module")
def gateway() -> Iterator[Gateway]:
    with recording() as application, serving(policy(TRUSTING), application.url) as running:
        yield running


@pytest.fixture(scope="module", autouse=True)
def said(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        print("\n  after the command had returned, refused everywhere within:", end="")
        for name, took in _took.items():
            print(f"\n    {name:36} {took * 1_000:4.0f} ms", end="")


class Use:
    """A credential in use at full speed on a connection of its own.

    statuses: of all answers, and when they came; 0: the connection broke.
    """

    def __init__(self, gateway: Gateway, target: str, *fields: tuple[str, str], asked: bool = False) -> None:
        """asked: not to the gateway itself, but by a proxy at /decide, in the same octets each time."""
        self._address, self._octets = gateway.address, request("GET", target, *fields)
        if asked:
            host, port = gateway.control.removeprefix("http://").rsplit(":", 1)
            original = (("X-Forwarded-Method", "GET"), ("X-Forwarded-Uri", target))
            self._address, self._octets = (host, int(port)), request("GET", "/decide", *original, *fields)
        self.statuses: list[tuple[int, float]] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                with Wire(self._address) as wire:
                    while not self._stop.is_set():
                        wire.send(self._octets)
                        self.statuses.append((wire.answer().status, time.monotonic()))
                        if not self.statuses[-1][0]:
                            break
            except OSError:
                self.statuses.append((0, time.monotonic()))

    def count(self, status: int) -> int:
        """How many answers had this status so far."""
        return sum(one == status for one, _ in list(self.statuses))

    def refused(self) -> int:
        """How many answers were refusals so far."""
        return sum(one != 200 for one, _ in list(self.statuses))

    def end(self) -> None:
        """Stop using it."""
        self._stop.set()
        self._thread.join()


class Scene:
    """An account with every kind of credential. fields: by kind; all of them may do everything."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway, self.name = gateway, f"user{next(_names)}"
        gateway.add_user(self.name, PASSWORD, "admin")
        self.run("grant", self.name, "read", "note:1")
        self.key = self.run("key", "add", self.name, "-q").split()[0]
        self.fields = {
            "basic": basic(self.name, PASSWORD),
            "apikey": ("X-API-Key", self.key),
            "session": gateway.log_in(self.name, PASSWORD),
        }

    def run(self, *args: str, secret: str | None = None) -> str:
        done = self.gateway.cli(*args, input=secret)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def refused(self, what: str, kinds: str, target: str, status: int, *args: str, secret: str | None = None) -> None:
        """Use these kinds at a target until after the command; all must turn to this status, and stay there."""
        uses = {}
        for kind in kinds.split():
            uses[kind] = Use(self.gateway, target, self.fields[kind], somewhere())
            uses[f"{kind} at /decide"] = Use(self.gateway, target, self.fields[kind], somewhere(), asked=True)
        others = [Use(self.gateway, "/mine/x", bearer("somebody else", [])), Use(self.gateway, "/open/x")]
        try:
            until(lambda: all(use.count(200) > 20 for use in (*uses.values(), *others)))
            self.run(*args, secret=secret)
            done = time.monotonic()
            until(lambda: all(use.refused() > 50 for use in uses.values()))
        except AssertionError:
            told = [(kind, use.count(200), use.statuses[-3:]) for kind, use in uses.items()]
            pytest.fail(f"{what} did not reach everywhere: {told}")
        finally:
            for use in (*uses.values(), *others):
                use.end()
        for kind, use in uses.items():
            first = next(place for place, (one, _) in enumerate(use.statuses) if one != 200)
            after = [one for one, _ in use.statuses[first:]]
            # An answer that is under way in that moment is cut off, as an endless one would be; once, and no other.
            if after[0] == 0:
                del after[0]
            assert after[0] == status, kind
            # Whoever goes on with a password that is none is soon not even looked at.
            assert set(after) == ({status, 429} if kind.startswith("basic") and status == 401 else {status}), kind
            _took[f"{what}: {kind}"] = max(0.0, use.statuses[first][1] - done)
        assert {one for use in others for one, _ in use.statuses} == {200}


@pytest.fixture
def scene(gateway: Gateway) -> Scene:
    return Scene(gateway)


def test_an_account_that_is_disabled_is_refused_by_every_credential(scene: Scene) -> None:
    scene.refused("user disable", "basic apikey session", "/mine/x", 401, "user", "disable", scene.name)


def test_an_account_that_is_deleted_is_refused_by_every_credential(scene: Scene) -> None:
    scene.refused("user delete", "basic apikey session", "/mine/x", 401, "user", "delete", scene.name)
    scene.gateway.add_user(scene.name, "quite another password", "member")
    for fields in scene.fields.values():  # whoever gets the name later gets none of its credentials back
        assert scene.gateway.get("/mine/x", fields).status == 401


def test_another_password_ends_the_old_one_and_all_sessions(scene: Scene) -> None:
    args = ("user", "passwd", scene.name, "--password-stdin")
    scene.refused("user passwd", "basic session", "/mine/x", 401, *args, secret="quite another password\n")
    assert scene.gateway.get("/mine/x", basic(scene.name, "quite another password")).status == 200


def test_roles_that_were_taken_away_open_nothing_any_more(scene: Scene) -> None:
    args = ("user", "roles", scene.name, "--role", "member")
    scene.refused("user roles", "basic apikey session", "/admin/x", 403, *args)


def test_a_grant_that_was_taken_back_opens_nothing_any_more(scene: Scene) -> None:
    scene.refused("revoke", "basic apikey session", "/notes/1", 403, "revoke", scene.name, "read", "note:1")


def test_a_revoked_key_is_refused_and_the_password_is_not(scene: Scene) -> None:
    scene.refused("key revoke", "apikey", "/mine/x", 401, "key", "revoke", scene.key[:7])
    assert scene.gateway.get("/mine/x", scene.fields["basic"]).status == 200


def test_a_revoked_session_is_refused_and_another_one_is_not(scene: Scene) -> None:
    listed = json.loads(scene.run("session", "list", scene.name, "--json"))
    (name,) = [one["id"] for one in (listed if isinstance(listed, list) else listed["sessions"])]
    other = scene.gateway.log_in(scene.name, PASSWORD)
    scene.refused("session revoke", "session", "/mine/x", 401, "session", "revoke", name)
    assert scene.gateway.get("/mine/x", other).status == 200


def test_a_revoked_token_is_refused_and_another_one_is_not(scene: Scene) -> None:
    scene.fields["bearer"] = bearer(scene.name, ["admin"], jti=f"lost-{scene.name}")
    other = bearer(scene.name, ["admin"], jti=f"kept-{scene.name}")
    args = ("token", "revoke", f"lost-{scene.name}", "--until", "2h")
    scene.refused("token revoke", "bearer", "/mine/x", 401, *args)
    assert scene.gateway.get("/mine/x", other).status == 200


def spellings(password: str) -> Iterator[str]:
    """One password in many octets: composed and decomposed letters are the same to the door, not to a cache."""
    places = [place for place, char in enumerate(password) if char == "é"]
    for size in range(len(places) + 1):
        for chosen in combinations(places, size):
            yield "".join("e\u0301" if place in chosen else char for place, char in enumerate(password))


def test_a_revocation_in_the_middle_of_verifications_leaves_nothing_that_still_opens(gateway: Gateway) -> None:
    """Each spelling is verified by itself; some are under way when the account is closed. None may be known after."""
    name, password = f"user{next(_names)}", "éééééééé and more"
    gateway.add_user(name, password, "member")
    ways = [basic(name, one) for one in islice(spellings(password), 150)]
    answered: dict[int, int] = {}
    lock, turn, closed = threading.Lock(), iter(range(len(ways))), threading.Event()

    def verify() -> None:
        with Wire(gateway.address) as wire:
            while not closed.is_set():
                with lock:
                    place = next(turn, None)
                if place is None:
                    return
                wire.send(request("GET", "/mine/x", ways[place], somewhere()))
                answered[place] = wire.answer().status

    threads = [threading.Thread(target=verify) for _ in range(6)]
    for thread in threads:
        thread.start()
    until(lambda: len(answered) > 10)
    done = gateway.cli("user", "disable", name)
    assert done.returncode == 0
    probe = bearer("a clock", [])
    until(lambda: gateway.get("/mine/x", basic(name, password), somewhere()).status == 401)
    closed.set()
    for thread in threads:
        thread.join()
    assert 200 in answered.values()
    assert gateway.get("/mine/x", probe).status == 200
    let_in = [place for place, status in answered.items() if status == 200]
    with Wire(gateway.address) as wire:
        for place in let_in:
            wire.send(request("GET", "/mine/x", ways[place], somewhere()))
            assert wire.answer().status == 401, place
