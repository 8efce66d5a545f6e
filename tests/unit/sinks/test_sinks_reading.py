"""Reading back: what `tail` and `explain` ask for."""

from __future__ import annotations

from pathlib import Path

import pytest
from sinks_kit import NOW, batch, event

from doorward.core.errors import DependencyError
from doorward.ledger.identifiers import Identifiers, short
from doorward.sinks.reading import Reader, Wanted
from doorward.sinks.schema import FILE
from doorward.sinks.sqlite import SqliteLedger


@pytest.fixture
def ledger(tmp_path: Path):
    made = SqliteLedger(tmp_path)
    yield made
    made.close()


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    return Reader(tmp_path)


def test_the_latest_come_oldest_first(ledger: SqliteLedger, reader: Reader) -> None:
    made = [event(at=NOW + n) for n in range(5)]
    ledger.write(batch(*made))
    assert reader.latest(Wanted(), 3) == reader.latest(Wanted(), 9)[-3:]
    assert [each.id for each in reader.latest(Wanted(), 3)] == [each.id for each in made[-3:]]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Wanted(), {"role", "hidden", "login", "late"}),
        (Wanted(status=404), {"hidden"}),
        (Wanted(reason="role-missing"), {"role", "hidden", "late"}),
        (Wanted(reason="concealed"), {"hidden"}),
        (Wanted(rule="secrets"), {"hidden"}),
        (Wanted(who="carol"), {"role", "hidden", "late"}),
        (Wanted(who="13"), {"role", "hidden", "login", "late"}),
        (Wanted(since=NOW + 50), {"late"}),
        (Wanted(allows=True), {"role", "hidden", "login", "late", "allowed"}),
        (Wanted(status=403, who="carol", since=NOW + 50), {"late"}),
    ],
)
def test_events_are_found_by_what_they_are(
    ledger: SqliteLedger, reader: Reader, wanted: Wanted, found: set[str]
) -> None:
    ledger.write(
        batch(
            event(resource="role"),
            event(resource="hidden", status=404, reason="concealed", truth="role-missing", rule="secrets"),
            event(resource="login", status=401, reason="password-wrong", subject="", name="", claimed="13"),
            event(resource="late", at=NOW + 99),
            event(resource="allowed", verdict="allow", status=0, reason="allowed"),
        )
    )
    assert {each.resource for each in reader.latest(wanted, 99)} == found


def test_following_tells_each_event_once(ledger: SqliteLedger, reader: Reader) -> None:
    ledger.write(batch(event(), event(rule="other")))
    only = Wanted(rule="settings")
    assert len(reader.latest(only, 10)) == 1
    assert reader.later(only) == []
    ledger.write(batch(event(), event(rule="other"), event()))
    assert len(reader.later(only)) == 2
    assert reader.later(only) == []


def test_following_begins_behind_what_there_is(ledger: SqliteLedger, reader: Reader) -> None:
    ledger.write(batch(event(), event()))
    assert reader.latest(Wanted(status=500), 10) == []
    assert reader.later(Wanted()) == []


def test_an_event_is_found_by_its_id_or_by_how_it_begins(ledger: SqliteLedger, reader: Reader) -> None:
    ids = Identifiers()
    one, other = event(id=ids.new(NOW)), event(id=ids.new(NOW + 1))
    ledger.write(batch(one, other))
    for ident in (one.id, one.id.upper(), short(one.id), short(one.id, 16), one.id[:15]):
        assert [each.id for each in reader.find(ident)] == [one.id]
    assert len(reader.find(short(one.id, 6))) == 2
    assert reader.find("") == []
    assert reader.find("f" * 33) == []
    assert reader.find("' OR 1 --") == []


def test_a_counted_row_is_found_by_the_time_of_a_request(ledger: SqliteLedger, reader: Reader) -> None:
    counted = event(at=NOW, until=NOW + 5, count=90)
    ledger.write(batch(counted, event(at=NOW + 2)))
    ids = Identifiers()
    assert [each.id for each in reader.counting(ids.new(NOW + 3))] == [counted.id]
    assert reader.counting(ids.new(NOW + 60)) == []
    assert reader.counting("carol") == []


def test_what_is_like_an_event_is_counted_with_its_clients(ledger: SqliteLedger, reader: Reader) -> None:
    one = event(facts={"client": "ios/4.2"})
    ledger.write(
        batch(
            one,
            event(at=NOW + 10, facts={"client": "ios/4.2"}, count=3),
            event(at=NOW - 10),
            event(at=NOW + 10, rule="other"),
            event(at=NOW + 10, reason="not-owner"),
            event(at=NOW + 1000),
        )
    )
    assert sorted(reader.like(one, 600)) == [(1, ""), (3, "ios/4.2")]


def test_without_a_ledger_there_is_nothing(tmp_path: Path) -> None:
    reader = Reader(tmp_path / "nowhere")
    assert (reader.latest(Wanted(), 9), reader.later(Wanted()), reader.find("01")) == ([], [], [])
    assert not (tmp_path / "nowhere").exists()


def test_a_ledger_that_is_just_being_made_has_nothing_in_it(tmp_path: Path) -> None:
    (tmp_path / FILE).touch()
    assert Reader(tmp_path).latest(Wanted(), 9) == []
    assert Reader(tmp_path).find("01a1fe6a") == []


def test_a_ledger_that_cannot_be_read_is_a_dependency_that_is_down(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"letter" * 1000)
    with pytest.raises(DependencyError) as caught:
        Reader(tmp_path).find("01")
    assert caught.value.name == "ledger"


def test_reading_leaves_the_file_alone(ledger: SqliteLedger, reader: Reader, tmp_path: Path) -> None:
    ledger.write(batch(event()))
    ledger.close()
    before = (tmp_path / FILE).read_bytes()
    assert len(reader.latest(Wanted(), 9)) == 1
    assert (tmp_path / FILE).read_bytes() == before
