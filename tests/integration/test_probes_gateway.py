"""The 84 probes through raw sockets against a real `doorward serve`, for each kind of credential and setting."""

from __future__ import annotations

from pathlib import Path

import pytest
from probes_stage import Face, stage

from conformance.probes_cast import Raw
from conformance.probes_table import PREFLIGHT, Probe, load

RUNS = [("jwt", "HS256"), ("jwt", "RS256"), ("session", "HS256"), ("apikey", "HS256"), ("basic", "HS256")]
VARIANTS = {
    "reject": 'bad_credentials_on_public = "reject"',
    "no-scope-challenge": "scope_challenge = false",
    "disabled-403": "disabled_account = 403",
    "no-cors": "",
}
"""Rule 9 of cases/README.md: lines of `[answers]`; without `[cors]` the application answers preflights."""


@pytest.fixture(scope="module")
def probes(shared: Path) -> list[Probe]:
    return load(shared / "cases" / "probes.jsonl")


def play(face: Face, probes: list[Probe], variant: str = "") -> dict[str, list[str]]:
    """Each probe that applies to the kind, and what is wrong with its answers."""
    cast = face.cast
    fit = [probe for probe in probes if cast.kind in probe.kinds]
    return {probe.id: probe.judge(cast, [face.send(raw) for raw in probe.requests(cast)], variant) for probe in fit}


def tell(capsys: pytest.CaptureFixture[str], name: str, played: dict[str, list[str]]) -> None:
    """One line of the summary, and one per fault."""
    wrong = {probe: faults for probe, faults in played.items() if faults}
    with capsys.disabled():
        print(f"\n  probes, gateway, {name:28} {len(played) - len(wrong):3} of {len(played)} right", end="")
        for probe, faults in wrong.items():
            print(f"\n    {probe}: {'; '.join(faults)}", end="")


@pytest.mark.parametrize(("kind", "alg"), RUNS)
def test_the_gateway_answers_every_probe_rightly(
    probes: list[Probe], capsys: pytest.CaptureFixture[str], kind: str, alg: str
) -> None:
    with stage(kind, alg) as face:
        played = play(face, probes)
    tell(capsys, f"{kind} {alg if kind == 'jwt' else ''}", played)
    assert {probe: faults for probe, faults in played.items() if faults} == {}


def test_all_84_probes_are_played(probes: list[Probe]) -> None:
    assert len(probes) == 84
    assert {probe.id for probe in probes if set(probe.kinds) & {kind for kind, _ in RUNS}} == {p.id for p in probes}


@pytest.mark.slow
@pytest.mark.parametrize("variant", sorted(VARIANTS))
@pytest.mark.parametrize("kind", ["jwt", "session", "apikey", "basic"])
def test_the_gateway_answers_every_probe_rightly_under_other_settings(
    probes: list[Probe], capsys: pytest.CaptureFixture[str], kind: str, variant: str
) -> None:
    with stage(kind, "HS256", answers=VARIANTS[variant], cors=variant != "no-cors") as face:
        played = play(face, probes, variant)
    tell(capsys, f"{kind} {variant}", played)
    assert {probe: faults for probe, faults in played.items() if faults} == {}


def test_a_preflight_that_the_application_answers_carries_nothing_that_proves_anybody() -> None:
    with stage("session", "HS256", cors=False) as face:
        cast = face.cast
        carried = (*cast.fields("alice"), ("Authorization", "Bearer x"), ("X-HTTP-Method-Override", "DELETE"))
        answer = face.send(Raw("OPTIONS", "/profile", (*PREFLIGHT, *carried)))
        assert answer.status == 200
        seen = face.application.last
        assert seen.line.startswith("OPTIONS /profile ")
        for name in ("cookie", "authorization", "x-http-method-override"):
            assert seen.values(name) == []
        assert seen.starting("x-doorward-user") == []
