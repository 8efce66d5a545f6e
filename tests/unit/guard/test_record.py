"""Noting verdicts: counted at once, recorded soon, and never in anybody's way."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
from record_scene import Desk, scene

from doorward.core.ask import LedgerReady
from doorward.core.errors import DependencyError
from doorward.core.reason import Reason
from doorward.core.verdict import Allow, upstream_failed
from doorward.guard.cache import CredentialCache
from doorward.guard.counting import Counts
from doorward.sinks.schema import FILE
from doorward.wire.reply import is_request_id
from kit import NOW, cookie, key_auth, view


@pytest.fixture
def desk(tmp_path: Path) -> Any:
    made = Desk(tmp_path)
    yield made
    made.record.close()


def metric(desk: Desk, name: str) -> dict[str, float]:
    """Samples of a metric: labels as text -> value."""
    lines = desk.record.metrics.text().decode().splitlines()
    found = (re.match(rf"{name}(?:\{{(.*)\}})? (.+)\Z", line) for line in lines)
    return {each[1] or "": float(each[2]) for each in found if each}


@pytest.mark.article("A0-29")
def test_one_401_raises_the_counter_by_one(desk: Desk) -> None:
    """A0-29: one 401 -> counter +1 at /metrics, at once."""
    desk.send("GET", "/admin/x")
    labels = 'status="401",reason="credentials-missing",scheme="none",rule="admin"'
    assert metric(desk, "auth_failures_total") == {labels: 1}
    desk.send("GET", "/admin/x")
    assert metric(desk, "auth_failures_total") == {labels: 2}


@pytest.mark.article("A1-45")
def test_metric_and_ledger_count_what_was_sent(desk: Desk) -> None:
    """A1-45."""
    for number in range(300):
        desk.send("GET", "/admin/x", cookie(f"s-{('olga', 'carol', 'nobody')[number % 3]}"), at=NOW + number / 1000)
        desk.send("GET", "/nope", at=NOW + number / 1000)
    counted = metric(desk, "auth_failures_total")
    assert sum(counted.values()) == sum(each.count for each in desk.events()) == 500
    decisions = metric(desk, "doorward_decisions_total")
    assert decisions['verdict="allow"'] == 100
    assert sum(decisions.values()) == 600


@pytest.mark.article("A0-28", "A1-50")
def test_a_hundred_mixed_denials_are_a_hundred_events(desk: Desk) -> None:
    """A1-50, A0-28."""
    for number in range(100):
        desk.send("GET", f"/admin/{number}", cookie("s-carol"), at=NOW + number)
    assert [each.count for each in desk.events()] == [1] * 100


@pytest.mark.article("A1-50")
def test_a_thousand_equal_ones_in_a_second_add_up_in_few_rows(desk: Desk) -> None:
    """A1-50, C12."""
    for number in range(1000):
        desk.send("GET", "/admin/x", at=NOW + number / 1000)
    found = desk.events()
    assert sum(each.count for each in found) == 1000
    assert len(found) <= 12


def test_two_persons_behind_one_address_are_not_counted_together(desk: Desk) -> None:
    for number in range(100):
        desk.send("GET", "/own/7", cookie(f"s-{('olga', 'carol')[number % 2]}"), at=NOW + number / 1000)
    found = desk.events()
    assert {name: sum(e.count for e in found if e.name == name) for name in ("olga", "carol")} == {
        "olga": 50,
        "carol": 50,
    }


def test_a_masked_rule_has_no_name_in_the_metrics(desk: Desk) -> None:
    """HP1: alerts are made of metrics."""
    desk.send("GET", "/oncology/7", cookie("s-carol"))
    assert b"oncolog" not in desk.record.metrics.text()
    assert 'rule="(masked)"' in desk.record.metrics.text().decode()


def test_every_verdict_there_is_stands_in_the_metrics(desk: Desk) -> None:
    assert metric(desk, "doorward_decisions_total") == dict.fromkeys(
        (
            f'verdict="{kind}"'
            for kind in ("allow", "challenge", "deny", "hide", "throttle", "malformed", "unavailable")
        ),
        0,
    )


def test_the_other_metrics_of_the_process(desk: Desk) -> None:
    assert metric(desk, "doorward_policy_version") == {'version="test"': 1}
    assert metric(desk, "doorward_policy_stale") == {"": 0}
    desk.record.counts.stale = True
    assert metric(desk, "doorward_policy_stale") == {"": 1}
    for name in ("ledger_lost_total", "ledger_queue", "ledger_down", "ledger_jsonl_lost_total", "doorward_bugs_total"):
        assert metric(desk, name) == {"": 0}


def test_the_cache_of_credentials_is_asked_at_each_scrape(desk: Desk) -> None:
    class Epochs:
        all = 0

        def of(self, _subject: str) -> int:
            return 0

    cache = CredentialCache(Epochs())
    desk.record.watch_cache(lambda: cache)
    cache.hits, cache.misses = 5, 3
    assert metric(desk, "doorward_cache_hits_total") == {"": 5}
    assert metric(desk, "doorward_cache_misses_total") == {"": 3}
    assert metric(desk, "doorward_cache_size") == {"": 0}


def test_labels_are_bounded_however_often_the_policy_changes(monkeypatch: pytest.MonkeyPatch, desk: Desk) -> None:
    monkeypatch.setattr("doorward.guard.counting.MOST", 2)
    for target in ("/admin/x", "/own/7", "/docs/1", "/pay"):
        desk.send("GET", target)
    counted = metric(desk, "auth_failures_total")
    assert sum(counted.values()) == 4
    assert sum('rule="(other)"' in labels for labels in counted) == 1
    assert Counts().decisions()


def test_allowed_requests_are_only_counted(desk: Desk) -> None:
    desk.send("GET", "/admin/x", cookie("s-alice"))
    assert metric(desk, "doorward_decisions_total")['verdict="allow"'] == 1
    assert desk.events() == []


def test_allowed_requests_are_recorded_by_setting(tmp_path: Path) -> None:
    """C12."""
    desk = Desk(tmp_path, scene(allows="all"))
    desk.send("GET", "/admin/x", cookie("s-alice"))
    found = desk.event()
    assert (found.verdict, found.reason, found.status, found.name) == ("allow", "allowed", 0, "alice")


def test_of_allowed_requests_a_sample_is_one_in_a_hundred(tmp_path: Path) -> None:
    desk = Desk(tmp_path, scene(allows="sample"))
    for _ in range(250):
        desk.send("GET", "/admin/x", cookie("s-alice"))
    assert len(desk.events()) == 3


def test_an_allowed_request_may_come_without_an_id(tmp_path: Path) -> None:
    desk = Desk(tmp_path, scene(allows="all"))
    request = view("GET", "/open")
    from doorward.core.principal import ANONYMOUS
    from doorward.core.trace import Trace

    desk.record.note(desk.policy, request, Allow(ANONYMOUS, "/open"), Trace(), "")
    assert is_request_id(desk.event().id)


def test_a_bad_token_on_a_public_page_is_noted(desk: Desk) -> None:
    """D2, A0-21."""
    for number in range(100):
        desk.send("GET", "/open", key_auth("wrong"), at=NOW + number / 1000)
    assert metric(desk, "doorward_ignored_credentials_total") == {'note="ignored_bad_credentials"': 100}
    found = desk.events()
    assert sum(each.count for each in found) == 100
    assert len(found) == 11
    assert (found[0].verdict, found[0].notes, found[0].scheme) == ("allow", ("ignored_bad_credentials",), "apikey")


def test_an_outage_behind_the_door_is_recorded(desk: Desk) -> None:
    desk.note(view("GET", "/admin/x"), upstream_failed("timeout"))
    found = desk.event()
    assert (found.status, found.reason, found.rule) == (504, "upstream-down", "(upstream)")


def test_a_bug_is_counted_and_found_again_by_its_id(desk: Desk) -> None:
    request_id = desk.record.bug(NOW)
    reply = desk.record.bug_reply(request_id)
    assert reply.header("X-Request-ID") == request_id
    assert metric(desk, "doorward_bugs_total") == {"": 1}
    found = desk.event()
    assert (found.id, found.verdict, found.status, found.reason) == (request_id, "bug", reply.status, "internal-error")


def test_bugs_are_folded_too(desk: Desk) -> None:
    for _ in range(50):
        desk.record.bug(NOW)
    assert len(desk.events()) == 11


def test_ids_rise(desk: Desk) -> None:
    made = [desk.record.new_id(NOW) for _ in range(100)]
    assert made == sorted(set(made))
    assert all(map(is_request_id, made))


def test_in_sync_mode_the_reply_leaves_after_the_commit(tmp_path: Path) -> None:
    desk = Desk(tmp_path, scene(mode="sync"))

    async def run() -> int:
        from doorward.core.trace import Trace
        from kit import judge

        waits = []
        for number in range(20):
            request, trace = view("GET", f"/admin/{number}", at=NOW + number), Trace()
            verdict = judge(desk.policy, request, desk.world, trace)
            waits.append(desk.record.note(desk.policy, request, verdict, trace, desk.record.new_id(request.at)))
        assert all(wait is not None for wait in waits)
        await asyncio.gather(*(wait for wait in waits if wait is not None))
        return desk.record.writer.written

    assert asyncio.run(run()) == 20
    assert len(desk.events()) == 20


def test_in_batch_mode_nobody_waits(desk: Desk) -> None:
    async def run() -> None:
        request_id, verdict, trace = desk.send("GET", "/admin/x")
        assert desk.record.note(desk.policy, view("GET", "/admin/x"), verdict, trace, request_id) is None

    asyncio.run(run())


def test_without_an_event_loop_sync_mode_waits_for_nothing(tmp_path: Path) -> None:
    desk = Desk(tmp_path, scene(mode="sync"))
    desk.send("GET", "/admin/x")
    assert len(desk.events()) == 1


def test_in_sync_mode_a_full_queue_holds_nobody_up(tmp_path: Path) -> None:
    desk = Desk(tmp_path, scene(mode="sync"))
    desk.record.close()

    async def run() -> None:
        _, verdict, trace = desk.send("GET", "/admin/x")
        assert desk.record.note(desk.policy, view("GET", "/x"), verdict, trace, desk.record.new_id(NOW)) is None

    asyncio.run(run())
    assert metric(desk, "ledger_lost_total") == {"": 2}


def test_no_record_no_access(tmp_path: Path) -> None:
    (tmp_path / FILE).mkdir()
    desk = Desk(tmp_path, scene(required=True))
    desk.world.accounts.clear()
    with pytest.raises(DependencyError) as caught:
        desk.record.ready(LedgerReady())
    assert caught.value.name == "ledger"
    assert metric(desk, "ledger_down") == {"": 1}
    (tmp_path / FILE).rmdir()
    desk.record.close()


def test_a_record_that_can_be_written_says_so_and_starts_once(desk: Desk) -> None:
    desk.record.ready(LedgerReady())
    desk.record.start()
    desk.record.ready(LedgerReady())
    assert metric(desk, "ledger_down") == {"": 0}


@pytest.mark.article("A2-32")
@pytest.mark.parametrize(("mode", "address"), [("truncate", "203.0.113.0/24"), ("full", "203.0.113.77"), ("none", "")])
def test_addresses_are_kept_as_the_policy_says(tmp_path: Path, mode: str, address: str) -> None:
    """G1, A2-32."""
    desk = Desk(tmp_path, scene(ip=mode))
    desk.send("GET", "/admin/x", peer="203.0.113.77", scheme="https")
    assert desk.event().address == address


def test_a_pseudonym_is_the_same_within_a_day(tmp_path: Path) -> None:
    """G2, A2-32: 16+ hex digits, other next day."""
    desk = Desk(tmp_path, scene(ip="hmac"))
    for at in (NOW, NOW + 10, NOW + 86_400):
        desk.send("GET", "/admin/x", peer="203.0.113.77", scheme="https", at=at)
    first, second, other = (each.address for each in desk.events())
    assert first == second != other
    assert re.fullmatch("[0-9a-f]{16,}", first)


def test_without_the_secret_of_the_day_no_address_is_kept(tmp_path: Path) -> None:
    desk = Desk(tmp_path, scene(ip="hmac"))
    (tmp_path / FILE).mkdir()
    desk.send("GET", "/admin/x")
    while not desk.record.writer.down:
        pass
    (tmp_path / FILE).rmdir()
    assert desk.event().address == ""


def test_reasons_that_the_ledger_knows_are_those_of_the_core(desk: Desk) -> None:
    desk.send("GET", "/hidden/x", cookie("s-carol"))
    found = desk.event()
    assert Reason(found.reason) is Reason.CONCEALED
    assert Reason(found.truth) is Reason.ROLE_MISSING
