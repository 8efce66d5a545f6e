"""The gateway in one process: doors, reload, drain, streams; and that a bug of ours opens nothing."""

from __future__ import annotations

import asyncio
import json
import logging
import signal
from pathlib import Path
from typing import Any

import pytest
from gateway_stage import CAROL, POLICY, RULES, Stage, stage

from doorward.core.errors import DependencyError
from doorward.core.verdict import Allow
from edge_kit import Origin, dial, run, says, until

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
GONE = b"HTTP/1.1 404 Not Found\r\nX-App: 1\r\nContent-Length: 4\r\n\r\ngone"
EVENTS = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n"


async def events(origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await origin.take(reader)
    writer.write(EVENTS)
    await reader.read()


def played(tmp_path: Path, play: Any, script: Any = None, policy: str = POLICY) -> None:
    """Run a play on a stage."""

    async def work() -> None:
        async with stage(tmp_path, script or says(OK), policy) as here:
            await play(here)

    run(work)


def test_verdicts_become_answers_and_allowed_requests_reach_the_application(tmp_path: Path) -> None:
    async def play(here: Stage) -> None:
        assert await here.status("/public/x") == 200
        assert await here.status("/any/x") == 401
        assert await here.status("/any/x", CAROL) == 200
        assert await here.status("/shelf/secret", CAROL) == 404
        assert await here.status("/nowhere", CAROL) == 404
        assert (await here.ask("GET", "/.doorward/login", b"Accept: text/html\r\n")).status == 200
        assert [request.line for request in here.there.seen] == ["GET /public/x HTTP/1.1", "GET /any/x HTTP/1.1"]
        assert here.there.seen[1].all("x-doorward-user") == ["carol"]

    played(tmp_path, play)


def test_the_same_request_again_is_decided_again(tmp_path: Path) -> None:
    async def play(here: Stage) -> None:
        head = f"GET /any/x HTTP/1.1\r\nHost: 127.0.0.1:{here.public}\r\n".encode() + CAROL + b"\r\n"
        async with dial(here.public) as wire:
            assert [(await wire.ask(head)).status for _ in range(4)] == [200] * 4
            here.house.store.accounts.set_disabled("carol", disabled=True)
            assert (await wire.ask(head)).status == 401
        assert len(here.there.seen) == 4

    played(tmp_path, play)


def test_a_repeated_question_is_answered_anew_until_something_changes(tmp_path: Path) -> None:
    async def play(here: Stage) -> None:
        head = f"GET /decide HTTP/1.1\r\nHost: 127.0.0.1:{here.control}\r\n".encode()
        head += b"X-Forwarded-Method: GET\r\nX-Forwarded-Uri: /any/x\r\n" + CAROL + b"\r\n"
        async with dial(here.control) as wire:
            answers = [await wire.ask(head) for _ in range(6)]
            assert [answer.status for answer in answers] == [200] * 6
            assert len({answer.all("x-doorward-decision-id")[0] for answer in answers}) == 6
            assert {answer.all("x-doorward-user")[0] for answer in answers} == {"carol"}
            assert here.house.record.counts.allowed == 6
            here.house.store.accounts.set_disabled("carol", disabled=True)
            assert (await wire.ask(head)).status == 401
            here.house.store.accounts.set_disabled("carol", disabled=False)
            assert [(await wire.ask(head)).status for _ in range(4)] == [200] * 4
            here.rewrite(POLICY.replace('access = "authenticated"', 'access = "nobody"'))
            assert await here.process._reloader.reload()
            assert (await wire.ask(head)).status == 403

    played(tmp_path, play)


def test_an_absent_name_in_the_shadow_of_a_hidden_one_is_answered_by_us(tmp_path: Path) -> None:
    async def play(here: Stage) -> None:
        absent = await here.ask("GET", "/shelf/x", CAROL)
        assert (absent.status, absent.all("x-app")) == (404, [])
        assert (await here.ask("GET", "/any/x", CAROL)).all("x-app") == ["1"]

    played(tmp_path, play, says(GONE))


def test_what_fails_behind_is_ours_to_tell(tmp_path: Path) -> None:
    async def play(here: Stage) -> None:
        answer = await here.ask("GET", "/public/x")
        assert (answer.status, json.loads(answer.body)["code"]) == (502, "upstream-unavailable")

    played(tmp_path, play, says(b"nonsense\r\n\r\n"))


def test_a_bug_of_ours_is_a_500_that_is_counted_and_opens_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def play(here: Stage) -> None:
        def broken(*_args: Any) -> Any:
            raise ZeroDivisionError

        monkeypatch.setattr(here.house.guard, "begin", broken)
        answer = await here.ask("GET", "/public/x")
        assert (answer.status, answer.all("cache-control")) == (500, ["no-store"])
        asked = b"X-Forwarded-Method: GET\r\nX-Forwarded-Uri: /public/x\r\n"
        assert (await here.ask("GET", "/decide", asked, control=True)).status == 500
        assert here.house.record.counts.bugs == 2
        assert here.there.seen == []
        assert answer.all("x-request-id")[0] in caplog.text

    played(tmp_path, play)


def test_a_bug_in_a_page_of_ours_is_a_500(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def play(here: Stage) -> None:
        monkeypatch.setattr(here.process._public.door, "_site", lambda *_args: 1 / 0)
        assert (await here.ask("GET", "/.doorward/login")).status == 500
        assert here.house.record.counts.bugs == 1

    played(tmp_path, play)


def test_a_bug_while_a_decision_waits_is_a_500(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def play(here: Stage) -> None:
        async def broken(pending: Any) -> Any:
            pending.later.awaitable.close()
            raise ZeroDivisionError

        monkeypatch.setattr(here.house.guard, "finish", broken)
        assert await here.status("/any/x", CAROL) == 500

    played(tmp_path, play)


def test_a_client_that_leaves_while_its_password_is_checked_is_not_let_in(tmp_path: Path) -> None:
    async def play(here: Stage) -> None:
        head = f"GET /any/x HTTP/1.1\r\nHost: 127.0.0.1:{here.public}\r\n".encode()
        async with dial(here.public) as wire:
            await wire.send(head + CAROL + b"\r\n")
            await until(lambda: bool(here.process._runtime._tasks))
            next(iter(here.process._public._clients)).abort()
        await until(lambda: not here.process._runtime._tasks)
        assert here.there.seen == []

    played(tmp_path, play)


def test_a_new_policy_swaps_everything_at_once(tmp_path: Path) -> None:
    async def play(here: Stage) -> None:
        before = here.process._runtime.snapshot
        here.rewrite(POLICY.replace('"/public/**"', '"/open/**"') + '[server]\nmax_body = "1KiB"\n')
        signal.raise_signal(signal.SIGHUP)
        await until(lambda: here.process._runtime.snapshot is not before)
        assert here.process._public.limits.body == 1024
        assert (await here.status("/open/x"), await here.status("/public/x")) == (200, 404)

    played(tmp_path, play)


def test_a_changed_file_is_taken_when_it_has_stopped_changing(tmp_path: Path) -> None:
    async def play(here: Stage) -> None:
        reloader, before = here.process._reloader, here.house.guard.policy
        for number in range(3):
            here.rewrite(POLICY + f"# {number}\n")
            await reloader.look()
            assert here.house.guard.policy is before
        await reloader.look()
        assert here.house.guard.policy is not before
        taken = here.house.guard.policy
        await reloader.look()
        assert here.house.guard.policy is taken

    played(tmp_path, play)


@pytest.mark.parametrize(
    "wrong",
    ["nonsense = = 1", RULES, POLICY + '[[rule]]\nname = "z"\npath = "z"\n', None],
    ids=["no TOML", "no version", "a bad path", "no file"],
)
def test_a_policy_that_cannot_be_taken_leaves_the_old_one_in_force(
    tmp_path: Path, wrong: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    async def play(here: Stage) -> None:
        before = here.process._runtime.snapshot
        if wrong is None:
            (here.folder / "doorward.toml").unlink()
        else:
            here.rewrite(wrong)
        assert not await here.process._reloader.reload()
        assert here.process._runtime.snapshot is before
        assert here.house.record.counts.stale
        assert await here.status("/public/x") == 200
        here.rewrite(POLICY + "# mended\n")
        assert await here.process._reloader.reload()
        assert not here.house.record.counts.stale

    with caplog.at_level(logging.ERROR):
        played(tmp_path, play)
    assert "stays in force" in caplog.text


def test_readiness_says_what_keeps_us_from_serving(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def play(here: Stage) -> None:
        assert (await here.ask("GET", "/ready", control=True)).status == 200

        def down() -> None:
            raise DependencyError("store")

        monkeypatch.setattr(here.house.store, "readable", down)
        answer = await here.ask("GET", "/ready", control=True)
        assert (answer.status, json.loads(answer.body)["why"]) == (503, "store")
        here.process._runtime.draining = True
        assert json.loads((await here.ask("GET", "/ready", control=True)).body)["why"] == "draining"

    played(tmp_path, play)


def test_where_the_ledger_is_required_readiness_depends_on_it(tmp_path: Path) -> None:
    async def play(here: Stage) -> None:
        assert (await here.ask("GET", "/ready", control=True)).status == 200

    played(tmp_path, play, policy=POLICY + "[ledger]\nrequired = true\n")


def test_a_store_that_cannot_be_read_is_said_once_and_so_is_its_return(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def play(here: Stage) -> None:
        class Down:
            def poll(self) -> bool:
                raise DependencyError("store")

        with monkeypatch.context() as patch:
            patch.setattr(here.house.store, "epochs", Down())
            assert [here.process._poll() for _ in range(3)] == [False] * 3
        here.process._poll()

    with caplog.at_level(logging.INFO):
        played(tmp_path, play)
    assert caplog.text.count("cannot be read") == 1
    assert caplog.text.count("can be read again") == 1


def test_the_ticker_survives_a_bug_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def play(here: Stage) -> None:
        async def broken() -> None:
            raise ZeroDivisionError

        with monkeypatch.context() as patch:
            patch.setattr(here.process._reloader, "look", broken)
            await until(lambda: here.house.record.counts.bugs > 0)
        assert await here.status("/public/x") == 200

    played(tmp_path, play)
    assert "a bug in the ticker" in caplog.text


def test_a_stream_whose_right_cannot_be_asked_about_goes_on_and_is_asked_again(tmp_path: Path) -> None:
    async def play(here: Stage) -> None:
        async with dial(here.public) as wire:
            await wire.send(f"GET /any/x HTTP/1.1\r\nHost: 127.0.0.1:{here.public}\r\n".encode() + CAROL + b"\r\n")
            server = here.process._public
            await until(lambda: bool(server.open_streams))
            here.house.store.accounts.set_disabled("carol", disabled=True)
            kept = here.house.guard.answers

            def down(_question: Any) -> Any:
                raise DependencyError("store")

            here.house.guard.answers = dict.fromkeys(kept, down)
            await here.process._watch.look(1e10, revoked=True)
            assert server.open_streams
            here.house.guard.answers = kept
            await here.process._watch.look(1e10, revoked=False)
            assert not server.open_streams

    played(tmp_path, play, events)


def test_a_stream_that_may_go_on_goes_on_with_what_was_decided_now(tmp_path: Path) -> None:
    async def play(here: Stage) -> None:
        async with dial(here.public) as wire:
            await wire.send(f"GET /public/x HTTP/1.1\r\nHost: 127.0.0.1:{here.public}\r\n\r\n".encode())
            server = here.process._public
            await until(lambda: bool(server.open_streams))
            await here.process._watch.look(1e10, revoked=True)
            (stream,) = server.open_streams.values()
            assert isinstance(stream.memo.verdict, Allow)

    played(tmp_path, play, events)


def test_a_listener_that_cannot_be_had_leaves_nothing_open(tmp_path: Path) -> None:
    from doorward.core.errors import ConfigError
    from doorward.gateway.listeners import Place
    from doorward.gateway.process import Plan, Process

    async def play(here: Stage) -> None:
        taken = Plan("http://127.0.0.1:1", Place("127.0.0.1", here.public), Place("127.0.0.1", 0))
        with pytest.raises(ConfigError, match="taken"):
            await Process(here.house, taken).run(lambda _serving: None)
        assert await here.status("/public/x") == 200

    played(tmp_path, play)
