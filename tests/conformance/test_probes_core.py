"""The 84 probes against the bare core, for the four credential kinds and both families of token keys."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.core_face import make_cast, make_world, send
from conformance.probes_cast import probe_policy
from conformance.probes_table import TABLE, Answer, Probe, load

RUNS = [("jwt", "HS256"), ("jwt", "RS256"), ("session", "HS256"), ("apikey", "HS256"), ("basic", "HS256")]
VARIANTS = {
    "reject": {"answers": {"bad_credentials_on_public": "reject"}},
    "no-scope-challenge": {"answers": {"scope_challenge": False}},
    "disabled-403": {"answers": {"disabled_account": 403}},
    "no-cors": {"cors": {}},
}


@pytest.fixture(scope="module")
def probes(shared: Path) -> dict[str, Probe]:
    return {probe.id: probe for probe in load(shared / "cases" / "probes.jsonl")}


def play(probe: Probe, kind: str, alg: str, variant: str = "") -> list[str]:
    cast = make_cast(kind, alg)
    policy = probe_policy(kind, alg, **VARIANTS.get(variant, {}))
    world = make_world(cast)
    return probe.judge(cast, [send(policy, world, cast, raw) for raw in probe.requests(cast)], variant)


def test_the_table_has_a_request_for_each_of_the_84_probes_and_no_other(probes: dict[str, Probe]) -> None:
    assert set(TABLE) == set(probes)
    assert len(probes) == 84


@pytest.mark.parametrize(("kind", "alg"), RUNS)
@pytest.mark.parametrize("name", sorted(TABLE))
def test_the_core_answers_each_probe_rightly(probes: dict[str, Probe], name: str, kind: str, alg: str) -> None:
    if kind in probes[name].kinds:
        assert play(probes[name], kind, alg) == []


@pytest.mark.parametrize("variant", sorted(VARIANTS))
@pytest.mark.parametrize(("kind", "alg"), RUNS)
def test_the_core_answers_all_probes_rightly_under_other_settings(
    probes: dict[str, Probe], kind: str, alg: str, variant: str
) -> None:
    played = {name: play(probe, kind, alg, variant) for name, probe in probes.items() if kind in probe.kinds}
    assert {name: faults for name, faults in played.items() if faults} == {}


def test_the_judge_sees_a_wrong_status_a_missing_challenge_and_a_wrong_error_word(probes: dict[str, Probe]) -> None:
    cast = make_cast("jwt")
    bearer = ("WWW-Authenticate", 'Bearer realm="x", error="invalid_request"')
    assert probes["anon-profile"].judge(cast, [Answer(403)])
    assert probes["anon-profile"].judge(cast, [Answer(401)])
    assert probes["anon-profile"].judge(cast, [Answer(401, (bearer,))])
    assert probes["jwt-expired"].judge(cast, [Answer(401, (bearer,))])
    assert probes["role-missing"].judge(cast, [Answer(403, (bearer,))])
    assert probes["scope-missing"].judge(cast, [Answer(403)])
    assert probes["anon-public"].judge(cast, [Answer(500)])
    alike = [
        Answer(401, (("WWW-Authenticate", 'Bearer realm="x"'),)),
        Answer(401, (("WWW-Authenticate", 'Bearer realm="y"'),)),
    ]
    assert probes["anon-missing-object"].judge(cast, alike)
