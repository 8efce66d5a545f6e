"""`doorward demo` as a process: five requests really sent, shown with their real answers, and gone on Ctrl-C."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from gateway import DOORWARD, PATIENCE

FIVE = [
    (401, "who are you? No credentials were sent."),
    (403, "I know you, carol, but this needs admin; you are customer."),
    (404, "the same bytes as /admin/no-such-page, which does not exist."),
    (429, "the limit of rule login-api is used up"),
    (200, "alice is admin; the application answered."),
]


@contextmanager
def demo(*words: str) -> Iterator[subprocess.Popen[str]]:
    env = {**os.environ, "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        [DOORWARD, "demo", *words], env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def until(process: subprocess.Popen[str], words: str) -> str:
    """Read lines up to the one with these words."""
    assert process.stdout is not None
    text = ""
    for line in process.stdout:
        text += line
        if words in line:
            return text
    raise AssertionError(text)


@pytest.fixture(scope="module")
def shown() -> str:
    done = subprocess.run([DOORWARD, "demo", "--once"], capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_five_requests_are_shown_with_their_answers_and_one_line_of_why(shown: str) -> None:
    lines = [line for line in shown.splitlines() if re.match(r" {5}\d{3}  ", line)]
    assert [int(line.split()[0]) for line in lines] == [status for status, _ in FIVE]
    for line, (_, why) in zip(lines, FIVE, strict=True):
        assert why in line
    commands = [line for line in shown.splitlines() if re.match(r"  [1-5]  .*curl -i ", line)]
    assert len(commands) == 5


def test_what_is_printed_is_plain_when_nobody_sees_it(shown: str) -> None:
    assert "\x1b" not in shown
    assert "\r" not in shown


def test_it_says_what_to_try_next(shown: str) -> None:
    for word in ("doorward explain ", "doorward init", "doorward serve --to", "/.doorward/login", "Ctrl-C"):
        assert word in shown
    assert re.search(r"live: [1-9]\d* decisions", shown)


def test_ctrl_c_ends_it_and_nothing_is_left(shown: str) -> None:
    with demo() as process:
        text = until(process, "Ctrl-C stops.")
        folder = Path(re.search(r"--data (\S+)", text)[1])
        port = int(re.search(r"http://127\.0\.0\.1:(\d+)   the shop", text)[1])
        assert (folder / "ledger.db").exists()
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE):
            pass
        explained = subprocess.run(
            re.search(r"Why\?\s+(doorward explain .*)", text)[1].replace("doorward", DOORWARD, 1).split(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert explained.returncode in (0, 1), explained.stderr
        assert "429" in explained.stdout
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 0
        assert not folder.exists()


def test_only_this_machine_can_reach_it() -> None:
    with demo() as process:
        text = until(process, "Ctrl-C stops.")
        ports = {int(port) for port in re.findall(r"http://127\.0\.0\.1:(\d+)   (?:the shop|control)", text)}
        assert len(ports) == 2
        listening = {line.split()[1] for line in Path("/proc/net/tcp").read_text().splitlines()[1:]}
        for port in ports:
            assert f"0100007F:{port:04X}" in listening
            assert f"00000000:{port:04X}" not in listening


def test_where_the_ports_are_taken_the_next_free_ones_are_used_and_that_is_said() -> None:
    with demo() as first:
        one = until(first, "Ctrl-C stops.")
        with demo() as second:
            other = until(second, "Ctrl-C stops.")
    ports = [set(re.findall(r"http://127\.0\.0\.1:(\d+)   (?:the shop|control)", text)) for text in (one, other)]
    assert not ports[0] & ports[1]
    assert "is taken)" in other


def test_what_is_to_be_kept_is_kept(tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    for _ in range(2):
        done = subprocess.run(
            [DOORWARD, "demo", "--once", "--keep", str(folder)],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    assert (folder / "doorward.db").exists()
