"""The credential cache: what it keeps, for how long, and how a revocation reaches it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from doorward.core.ask import Later, Recall, Rejected, Remember
from doorward.core.principal import Principal
from doorward.core.reason import Reason
from doorward.core.request import Via
from doorward.guard import cache as module
from doorward.guard.cache import CredentialCache
from kit import NOW, credential, principal

BAD = Rejected(Reason.TOKEN_SIGNATURE)


class Epochs:
    """Counters as a store keeps them."""

    def __init__(self) -> None:
        self.all = self.seen = 0
        self.subjects: dict[str, int] = {}

    def of(self, subject: str) -> int:
        return self.subjects.get(subject, 0)

    def revoke(self, subject: str = "") -> None:
        self.seen += 1
        if subject:
            self.subjects[subject] = self.seen
        else:
            self.all = self.seen


class Scene:
    """A cache and the two questions it answers. Each question comes on a connection of its own."""

    def __init__(self, **keys: Any) -> None:
        self.epochs = Epochs()
        self.cache = CredentialCache(self.epochs, **keys)

    def recall(self, secret: str = "x", kind: str = "bearer", *, at: float = NOW, via: Via | None = None) -> Any:
        return self.cache.recall(Recall(credential(kind, secret), via or Via("", ""), at))

    def remember(self, outcome: Any, secret: str = "x", kind: str = "bearer", *, at: float = NOW) -> None:
        self.cache.remember(Remember(credential(kind, secret), outcome, Via("", ""), at))

    def verified(self, outcome: Any, secret: str = "x", kind: str = "bearer", *, at: float = NOW) -> None:
        """A complete verification by one request."""
        assert self.recall(secret, kind, at=at) is None
        self.remember(outcome, secret, kind, at=at)


@pytest.mark.parametrize(
    ("kind", "outcome", "life"),
    [
        ("bearer", principal(), 300),
        ("bearer", principal(expires=NOW + 7), 7),
        ("bearer", principal(expires=NOW + 9_000), 300),
        ("basic", principal(), 60),
        ("apikey", principal(), 60),
        ("apikey", principal(expires=NOW + 5), 5),
        ("bearer", BAD, 10),
        ("apikey", Rejected(Reason.API_KEY_INVALID), 10),
    ],
)
def test_an_outcome_is_known_for_its_life_and_not_a_moment_longer(kind: str, outcome: Any, life: float) -> None:
    scene = Scene()
    scene.verified(outcome, kind=kind)
    assert scene.recall(kind=kind, at=NOW + life - 0.001) is outcome
    assert scene.recall(kind=kind, at=NOW + life) is None
    assert (scene.cache.hits, scene.cache.misses) == (1, 2)


def test_a_session_is_never_remembered() -> None:
    scene = Scene()
    scene.verified(principal(), kind="session")
    assert scene.recall(kind="session") is None
    assert len(scene.cache) == 0


@pytest.mark.parametrize(
    ("outcome", "kind"),
    [
        (Rejected(Reason.PASSWORD_WRONG), "basic"),  # each try must be counted
        (Rejected(Reason.KEY_UNKNOWN), "bearer"),  # the issuer may have rotated its keys a moment ago
        (None, "bearer"),  # it could not be verified: a dependency was down, or the login was throttled
    ],
)
def test_what_is_no_verdict_on_the_credential_is_not_kept(outcome: Any, kind: str) -> None:
    scene = Scene()
    scene.verified(outcome, kind=kind)
    assert scene.recall(kind=kind) is None


@pytest.mark.parametrize("outcome", [principal("alice"), Rejected(Reason.TOKEN_SUBJECT, subject="alice")])
def test_a_revocation_reaches_good_and_bad_entries_of_its_subject_and_no_others(outcome: Any) -> None:
    scene = Scene()
    scene.verified(outcome)
    scene.verified(principal("bob"), "y")
    scene.epochs.revoke("alice")
    assert scene.recall() is None
    assert isinstance(scene.recall("y"), Principal)
    scene.epochs.revoke()
    assert scene.recall("y") is None


def test_what_was_verified_before_a_revocation_and_comes_in_after_it_is_not_kept() -> None:
    scene = Scene()
    assert scene.recall() is None
    scene.epochs.revoke("alice")
    scene.remember(principal("alice"))
    assert scene.recall() is None
    scene.epochs.revoke("bob")
    scene.remember(principal("alice"))
    assert isinstance(scene.recall(), Principal)


def test_many_requests_with_one_credential_cause_one_verification() -> None:
    async def main() -> None:
        scene = Scene()
        assert scene.recall() is None
        followers = [scene.recall() for _ in range(20)]
        assert all(isinstance(one, Later) for one in followers)
        assert scene.recall("another") is None
        gathered = asyncio.gather(*(one.awaitable for one in followers))
        await asyncio.sleep(0)
        scene.remember(BAD)
        assert await gathered == [BAD] * 20
        assert scene.recall() is BAD

    asyncio.run(main())


def test_who_comes_after_a_revocation_does_not_wait_for_a_verification_that_began_before_it() -> None:
    scene = Scene()
    assert scene.recall() is None
    scene.epochs.revoke("alice")
    assert scene.recall(at=NOW + 1) is None


def test_a_verification_that_somebody_took_over_is_no_answer_for_whoever_came_later() -> None:
    """The first began before the revocation; under the name of the second it would count as begun behind it."""

    async def main() -> None:
        scene = Scene()
        assert scene.recall() is None
        scene.epochs.revoke("alice")
        assert scene.recall(at=NOW + 1) is None
        follower = asyncio.ensure_future(scene.recall(at=NOW + 2).awaitable)
        await asyncio.sleep(0)
        scene.remember(principal("alice"))
        await asyncio.sleep(0)
        assert not follower.done()
        assert len(scene.cache) == 0
        scene.remember(BAD, at=NOW + 1)
        assert await follower is BAD

    asyncio.run(main())


def test_a_follower_that_goes_away_takes_nobody_along() -> None:
    async def main() -> None:
        scene = Scene()
        assert scene.recall() is None
        gone, stays = (asyncio.ensure_future(scene.recall().awaitable) for _ in range(2))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.sleep(0)
        scene.remember(BAD)
        assert await stays is BAD

    asyncio.run(main())


def test_a_leader_that_goes_without_a_word_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        scene = Scene()
        assert scene.recall() is None
        waits = scene.recall(at=NOW + module.WAIT)
        assert isinstance(waits, Later)
        assert scene.recall(at=NOW + module.WAIT + 1) is None
        behind = scene.recall(at=NOW + module.WAIT + 2)
        assert isinstance(behind, Later)
        monkeypatch.setattr(module, "WAIT", 0)
        for tired in (waits, behind):
            assert await tired.awaitable is None  # verifies itself

    asyncio.run(main())


def test_verifications_under_way_are_bounded_and_the_oldest_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        monkeypatch.setattr(module, "FLIGHTS", 3)
        scene = Scene()
        for secret in "abc":
            assert scene.recall(secret) is None
        waits = scene.recall("a")
        assert scene.recall("d") is None
        assert await waits.awaitable is None
        scene.remember(principal(), "a")
        assert scene.recall("a") is None  # nobody knows any more what was revoked since it began

    asyncio.run(main())


def test_without_a_loop_nobody_waits_for_anybody() -> None:
    scene = Scene(flights=False)
    assert scene.recall() is None
    assert scene.recall() is None
    scene.remember(principal("alice"))
    assert isinstance(scene.recall(), Principal)


def test_both_tables_are_bounded_and_the_least_recently_used_of_a_sample_goes() -> None:
    scene = Scene(size=3, negative=2)
    for age, secret in enumerate("abc"):
        scene.verified(principal(secret), secret, at=NOW + age)
    scene.recall("a", at=NOW + 9)
    scene.verified(principal("d"), "d", at=NOW + 10)
    assert len(scene.cache) == 3
    known = {secret for secret in "abcd" if isinstance(scene.recall(secret, at=NOW + 11), Principal)}
    assert known == {"a", "c", "d"}
    for age, secret in enumerate("xyz"):
        scene.verified(BAD, secret, at=NOW + age / 10)
    assert [scene.recall(secret, at=NOW + 1) for secret in "xyz"] == [None, BAD, BAD]


def test_a_credential_of_another_kind_is_another_credential() -> None:
    scene = Scene()
    scene.verified(principal(), "same", "bearer")
    via = Via("", "")
    for _ in range(2):  # the connection remembers the last digest
        assert isinstance(scene.recall("same", "bearer", via=via), Principal)
    assert scene.recall("same", "apikey", via=via) is None
    assert isinstance(scene.recall("same", "bearer", via=via), Principal)
    assert "same" not in repr(via)


def test_no_entry_holds_the_credential() -> None:
    scene = Scene()
    for kind in ("bearer", "basic", "apikey"):
        scene.verified(principal(), "hush-hush", kind)
    assert "hush" not in repr(vars(scene.cache))


def test_a_password_is_digested_under_a_key_of_this_process() -> None:
    first, second = Scene(), Scene()
    for scene in (first, second):
        scene.verified(principal(), "YTpi", "basic")
        scene.verified(principal(), "tok", "bearer")
    shared = set(first.cache._good) & set(second.cache._good)
    assert len(shared) == 1  # the token's: its digest tells nothing that a password's would


def test_a_reload_that_changes_what_credentials_mean_forgets_all() -> None:
    scene = Scene()
    scene.verified(principal())
    scene.verified(BAD, "y")
    scene.cache.clear()
    assert (scene.recall(), scene.recall("y")) == (None, None)
