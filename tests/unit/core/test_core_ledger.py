"""`[ledger] required = true`: no record, no access (architecture.md 3.3)."""

from __future__ import annotations

from typing import Any

import pytest

from doorward.core.ask import LedgerReady, run
from doorward.core.decide import decide
from doorward.core.errors import DependencyError
from doorward.core.reason import Reason
from doorward.core.settings import LedgerSettings
from doorward.core.trace import Trace
from doorward.core.verdict import Allow, Challenge, Hide, Unavailable, Verdict
from kit import World, account, cookie, policy, rule, view

RULES = (
    rule("/open", access="public"),
    rule("/own", access="authenticated"),
    rule("/admin", roles="admin", hide=True),
)


def judged(target: str, *fields: Any, required: bool = True, down: bool = True) -> tuple[Verdict, Trace, list[Any]]:
    world, asked = World().with_accounts(account("alice", roles="admin")), list[Any]()

    def ready(question: LedgerReady) -> None:
        asked.append(question)
        if down:
            raise DependencyError("ledger", 3)

    trace = Trace()
    rules = policy(*RULES, ledger=LedgerSettings(required=required))
    return run(decide(rules, view("GET", target, *fields), trace), {**world.answers, LedgerReady: ready}), trace, asked


@pytest.mark.parametrize("target", ["/open", "/own", "/.doorward/login"])
def test_what_cannot_be_recorded_is_not_let_through(target: str) -> None:
    verdict, trace, _ = judged(target, cookie("s-alice"))
    assert isinstance(verdict, Unavailable)
    assert (verdict.reason, verdict.retry_after) == (Reason.LEDGER_REQUIRED, 3)
    assert trace.step == "record"


def test_what_can_be_recorded_is_let_through() -> None:
    verdict, _, asked = judged("/own", cookie("s-alice"), down=False)
    assert isinstance(verdict, Allow)
    assert asked == [LedgerReady()]


def test_a_refusal_gives_no_access_and_needs_no_record() -> None:
    verdict, _, asked = judged("/own")
    assert isinstance(verdict, Challenge)
    assert asked == []


def test_unless_it_is_required_nobody_asks() -> None:
    verdict, _, asked = judged("/own", cookie("s-alice"), required=False)
    assert isinstance(verdict, Allow)
    assert asked == []


def test_a_hidden_path_stays_hidden_when_the_ledger_is_down() -> None:
    """Row 15: hidden resource, refused in whatever way, 503 included."""
    verdict, _, _ = judged("/admin", cookie("s-alice"))
    assert isinstance(verdict, Hide)
    assert isinstance(verdict.truth, Unavailable)


def test_the_kind_of_the_credential_is_kept_for_the_ledger() -> None:
    assert judged("/own", cookie("s-nobody"))[1].kind == "session"
    assert judged("/own")[1].kind == ""
    assert judged("/open", cookie("s-alice"))[1].kind == "session"
