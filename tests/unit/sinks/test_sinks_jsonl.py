"""Lines of JSON: appended, private, whole, and begun anew after a rotation."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest
from sinks_kit import NOW, batch, event

from doorward.sinks.jsonl import JsonLines


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture
def sink(tmp_path: Path):
    made = JsonLines(tmp_path / "ledger.jsonl")
    yield made
    made.close()


def test_every_row_is_a_line(sink: JsonLines) -> None:
    sink.write(batch(event(resource="/a"), event(resource="/b")))
    sink.write(batch(event(resource="/c")))
    assert [line["path"] for line in lines(sink.path)] == ["/a", "/b", "/c"]
    assert stat.S_IMODE(sink.path.stat().st_mode) == 0o600


def test_what_stands_there_is_kept(sink: JsonLines) -> None:
    sink.path.write_text('{"path": "old"}\n')
    sink.write(batch(event(resource="/new")))
    assert [line["path"] for line in lines(sink.path)] == ["old", "/new"]


def test_more_of_a_counted_row_is_told_under_its_id(sink: JsonLines) -> None:
    more = batch()
    more.count("some-id", NOW)
    more.count("some-id", NOW + 1)
    sink.write(more)
    (found,) = lines(sink.path)
    assert (found["id"], found["more"]) == ("some-id", 2)


@pytest.mark.parametrize("how", ["moved", "deleted"])
def test_a_rotated_file_is_begun_anew(sink: JsonLines, how: str) -> None:
    sink.write(batch(event(resource="/before")))
    if how == "moved":
        sink.path.rename(sink.path.with_suffix(".1"))
    else:
        sink.path.unlink()
    sink.write(batch(event(resource="/after")))
    assert [line["path"] for line in lines(sink.path)] == ["/after"]


def test_a_masked_row_is_written_masked(sink: JsonLines) -> None:
    sink.write(batch(event(resource="/oncology", rule="oncology", masked=True)))
    assert b"oncology" not in sink.path.read_bytes()


def test_a_file_that_cannot_be_opened_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        JsonLines(tmp_path).write(batch(event()))


def test_a_write_that_fails_closes_the_file_and_the_next_one_opens_it(sink: JsonLines) -> None:
    sink.write(batch(event()))
    broken, sink._handle = sink._handle, os.open(sink.path, os.O_RDONLY)
    os.close(broken)
    with pytest.raises(OSError, match="descriptor"):
        sink.write(batch(event()))
    sink.write(batch(event()))
    assert len(lines(sink.path)) == 2
