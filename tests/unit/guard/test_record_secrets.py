"""Searched in every outgoing byte: no secret, and of a masked denial no word of the resource."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from record_scene import Desk, scene, secret_requests

from doorward.cli.explain import explain
from doorward.cli.tail import tail
from doorward.sinks.reading import Reader, Wanted
from kit import cookie

ALL = Wanted(allows=True)


def command(which: object, *args: str) -> Result:
    return CliRunner().invoke(which, args, standalone_mode=False)  # type: ignore[arg-type]


def written(folder: Path) -> bytes:
    """Every byte of every file of a data folder."""
    return b"".join(path.read_bytes() for path in sorted(folder.iterdir()))


def told(folder: Path, *more: str) -> str:
    """What the two commands print of everything in a data folder."""
    place = ("--data", str(folder), "--policy", str(folder / "none.toml"))
    said = [
        command(tail, *place, "-n", "9999", "--allows", "-v", *more).output,
        command(tail, *place, "-n", "9999", "--json", "--allows", *more).output,
    ]
    for event in Reader(folder).latest(ALL, 9999):
        said.append(command(explain, *place, event.id, *more).output)
        said.append(command(explain, *place, event.id, "--json", *more).output)
    assert all(said)
    return "".join(said)


@pytest.mark.parametrize("mode", ["truncate", "hmac", "full"])
def test_no_secret_of_two_hundred_requests_is_kept_or_told(tmp_path: Path, mode: str) -> None:
    """G3, A3-16: password, token, key, cookie, CSRF token, query, whatever stands where a secret may stand."""
    desk = Desk(tmp_path, scene(jsonl=str(tmp_path / "ledger.jsonl"), allows="all", ip=mode))
    requests = secret_requests()
    for number, (_, (method, target, fields)) in enumerate(requests):
        desk.send(method, target, fields, at=1_764_000_000.0 + number)
    desk.record.close()
    everything = written(tmp_path) + desk.record.metrics.text() + told(tmp_path, "--unmasked").encode()
    assert len(everything) > 100_000
    for secret, _ in requests:
        assert secret.encode() not in everything
        assert secret[:16].encode() not in everything
        assert base64.b64encode(secret.encode())[:20] not in everything
    assert len(Reader(tmp_path).latest(ALL, 9999)) == 200


def test_no_full_address_is_kept(tmp_path: Path) -> None:
    desk = Desk(tmp_path, scene(jsonl=str(tmp_path / "ledger.jsonl")))
    for target in ("/admin/x", "/office", "/nope"):
        desk.send("GET", target, cookie("s-olga"), peer="203.0.113.77", scheme="https")
    desk.record.close()
    everything = written(tmp_path) + desk.record.metrics.text() + told(tmp_path).encode()
    assert b"203.0.113.77" not in everything
    assert b"203.0.113.0/24" in everything


def test_of_a_masked_denial_no_word_of_the_resource_leaves_the_house(tmp_path: Path) -> None:
    """HP1, A2-33: lines of JSON, tail, explain and metrics; ledger.db alone knows the name."""
    desk = Desk(tmp_path, scene(jsonl=str(tmp_path / "ledger.jsonl")))
    for fields in (cookie("s-carol"), cookie("s-nobody"), {}):
        desk.send("GET", "/oncology/patient-seven", fields)
    desk.send("TRACE", "/oncology/patient-seven")
    desk.record.close()
    lines = (tmp_path / "ledger.jsonl").read_bytes()
    outgoing = lines + desk.record.metrics.text() + told(tmp_path).encode()
    for word in (b"oncolog", b"patient", b"seven", b"carol"):
        assert word not in outgoing
    assert outgoing.count(b"Access denied") >= 4
    assert b"patient-seven" in written(tmp_path)


def test_whoever_holds_the_data_folder_may_ask_for_the_names(tmp_path: Path) -> None:
    desk = Desk(tmp_path, scene())
    desk.send("GET", "/oncology/patient-seven", cookie("s-carol"))
    desk.record.close()
    said = told(tmp_path, "--unmasked")
    assert "patient-seven" in said
    assert "oncologist" in said
