"""`doorward serve` as a process: what it refuses to start with, how it reloads, how it ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import issuer
import pytest
from gateway import DOORWARD, PATIENCE, Gateway, read_answer, serving
from issuer import POLICY_HEAD, bearer
from recorder import Recorder, recording

OPEN = '[[rule]]\nname = "{0}"\npath = "/{0}/**"\nmethods = ["GET"]\naccess = "public"\n'
POLICY = POLICY_HEAD + OPEN.format("one")
MIB = 1 << 20


@pytest.fixture(scope="module")
def recorder() -> Iterator[Recorder]:
    with recording() as running:
        yield running


@pytest.fixture
def door(recorder: Recorder) -> Iterator[Gateway]:
    with serving(POLICY, recorder.url) as gateway:
        yield gateway


def eventually(holds: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, what
        time.sleep(0.02)


def rewrite(door: Gateway, policy: str) -> None:
    """Put another file in place, as editors do it: whole or not at all."""
    draft = door.folder / "draft"
    draft.write_text(policy)
    draft.replace(door.folder / "doorward.toml")


def metric(door: Gateway, name: str) -> str:
    text = door.ask("GET", "/metrics", control=True).body.decode()
    return next(line.split(" ")[1] for line in text.splitlines() if line.startswith(name))


# -- what it refuses to start with


def serve(folder: Path, *words: str, policy: str | None = POLICY) -> subprocess.CompletedProcess[str]:
    """Run serve with what it must refuse."""
    if policy is not None:
        (folder / "doorward.toml").write_text(policy)
        (folder / "jwks.json").write_text(issuer.jwks())
    env = {**os.environ, "DOORWARD_DATA": str(folder / "data"), "NO_COLOR": "1"}
    command = [DOORWARD, "serve", "--to", "http://127.0.0.1:9", "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0"]
    return subprocess.run(
        [*command, *words], cwd=folder, env=env, capture_output=True, text=True, timeout=PATIENCE, check=False
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--listen", "0.0.0.0:0"], '[server] origins = ["https://'),
        (["--listen", "[::]:0"], '[server] origins = ["https://'),
        (["--listen", ":0"], '[server] origins = ["https://'),
        (["--control", "0.0.0.0:0"], "--control 127.0.0.1:8081"),
        (["--control", "somewhere"], "is no HOST:PORT and no unix:PATH"),
        (["--listen", "unix:/tmp/x"], "is no HOST:PORT"),
        (["--listen", "127.0.0.1:99999"], "is no HOST:PORT"),
        (["--listen", "192.0.2.1:0"], "[server] origins"),
        (["--to", "127.0.0.1:80"], "http(s)://host:port"),
        (["--to", "http://127.0.0.1:80/app"], "A path is not taken."),
        (["--policy", "nowhere.toml"], "doorward init"),
    ],
    ids=str,
)
def test_what_cannot_be_served_is_refused_with_its_mend(tmp_path: Path, words: list[str], said: str) -> None:
    done = serve(tmp_path, *words)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert "ready" not in done.stdout


def test_a_policy_with_errors_is_refused_with_all_of_them(tmp_path: Path) -> None:
    done = serve(tmp_path, policy=POLICY.replace('access = "public"', 'acess = "public"') + OPEN.format("one"))
    assert done.returncode == 2
    assert "doorward.toml:" in done.stderr
    assert "acess" in done.stderr
    assert "ready" not in done.stdout


def test_a_port_that_is_taken_is_said_with_another(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        for switch in ("--listen", "--control"):
            done = serve(tmp_path, switch, f"127.0.0.1:{port}")
            assert done.returncode == 2
            assert f"Port {port} on 127.0.0.1 is taken" in done.stderr
            assert f"{switch} 127.0.0.1:{port + 1}" in done.stderr


def test_a_data_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = serve(tmp_path, "--data", str(tmp_path / "file"))
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_without_a_policy_everything_is_closed_but_the_login(recorder: Recorder, tmp_path: Path) -> None:
    env = {**os.environ, "DOORWARD_DATA": str(tmp_path / "data"), "NO_COLOR": "1", "PYTHONUNBUFFERED": "1"}
    env.pop("DOORWARD_POLICY", None)
    command = [DOORWARD, "serve", "--to", recorder.url, "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0"]
    process = subprocess.Popen(
        command, cwd=tmp_path, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    gateway = Gateway(tmp_path, process)
    try:
        gateway.wait()
        recorder.clear()
        assert "doorward init" in gateway.text
        assert gateway.get("/").status == 404
        assert gateway.get("/.doorward/login", ("Accept", "text/html")).status == 200
        assert recorder.records == []
    finally:
        assert gateway.stop() == 0


# -- listening


def test_the_control_listener_can_be_a_unix_socket(recorder: Recorder, tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    with serving(POLICY, recorder.url, "--control", f"unix:{path}") as gateway:
        assert f"unix:{path}" in gateway.text
        assert path.stat().st_mode & 0o777 == 0o600
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(path))
            connection.sendall(b"GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert read_answer(connection).status == 200
    with serving(POLICY, recorder.url, "--control", f"unix:{path}"):
        pass  # what the first one left behind is no hindrance


def test_other_names_than_its_own_are_not_served(recorder: Recorder) -> None:
    policy = POLICY + '[server]\norigins = ["https://shop.test"]\n[tls]\nrequire = false\n'
    with serving(policy, recorder.url, "--listen", "0.0.0.0:0") as gateway:
        port = gateway.url.rpartition(":")[2]
        gateway.url = f"http://127.0.0.1:{port}"
        for host, status in (("shop.test", 200), ("evil.test", 421), ("127.0.0.1", 421), ("", 400), ("a b", 400)):
            answer = gateway.raw(f"GET /one/x HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
            assert (host, answer.status) == (host, status)


# -- reload


def test_a_changed_policy_file_is_in_force_soon(door: Gateway) -> None:
    assert (door.get("/one/x").status, door.get("/two/x").status) == (200, 404)
    rewrite(door, POLICY + OPEN.format("two"))
    eventually(lambda: door.get("/two/x").status == 200, "the new policy never came into force")
    assert door.get("/one/x").status == 200


def test_a_hang_up_reads_the_policy_at_once(door: Gateway) -> None:
    version = metric(door, "doorward_policy_version")
    assert version == "1"
    rewrite(door, POLICY + OPEN.format("three"))
    door.process.send_signal(signal.SIGHUP)
    eventually(lambda: door.get("/three/x").status == 200, "the new policy never came into force")
    assert "in force" in door.text


def test_a_broken_policy_file_changes_nothing_and_says_so(door: Gateway) -> None:
    rewrite(door, POLICY + "[[rule]\nname = nonsense")
    eventually(lambda: metric(door, "doorward_policy_stale") == "1", "nobody noticed the broken file")
    assert door.get("/one/x").status == 200
    assert door.ask("GET", "/ready", control=True).status == 200
    assert b'"stale": true' in door.ask("GET", "/ready", control=True).body
    eventually(lambda: "stays in force" in door.text, door.text)
    assert "doorward.toml:" in door.text
    rewrite(door, POLICY + OPEN.format("four"))
    eventually(lambda: door.get("/four/x").status == 200, "the mended policy never came into force")
    assert metric(door, "doorward_policy_stale") == "0"


def test_a_policy_file_that_went_away_changes_nothing(door: Gateway) -> None:
    (door.folder / "doorward.toml").unlink()
    eventually(lambda: metric(door, "doorward_policy_stale") == "1", "nobody noticed")
    assert door.get("/one/x").status == 200


def test_a_policy_this_listener_cannot_serve_is_not_taken(recorder: Recorder) -> None:
    policy = POLICY + '[server]\norigins = ["https://shop.test"]\n[tls]\nrequire = false\n'
    with serving(policy, recorder.url, "--listen", "0.0.0.0:0") as gateway:
        gateway.url = f"http://127.0.0.1:{gateway.url.rpartition(':')[2]}"
        rewrite(gateway, POLICY)
        eventually(lambda: metric(gateway, "doorward_policy_stale") == "1", "nobody noticed")
        assert gateway.raw(b"GET /one/x HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\n\r\n").status == 200
        eventually(lambda: "[server] origins" in gateway.text, gateway.text)


def test_new_keys_of_an_issuer_count_without_a_restart(door: Gateway) -> None:
    rule = '[[rule]]\nname = "any"\npath = "/any/**"\naccess = "authenticated"\n'
    rewrite(door, POLICY + rule)
    known = bearer("carol", [])
    eventually(lambda: door.get("/any/x", known).status == 200, "the token is never taken")
    draft = door.folder / "draft"
    draft.write_text(issuer.jwks("another"))
    draft.replace(door.folder / "jwks.json")
    eventually(lambda: door.get("/any/x", bearer("carol", [], signer="another")).status == 200, "new key not taken")
    eventually(lambda: door.get("/any/x", bearer("dave", [])).status == 401, "the old key still counts")


def test_limits_of_the_listener_follow_the_policy(door: Gateway) -> None:
    rewrite(door, POLICY.replace('methods = ["GET"]\n', "") + '[server]\nmax_body = "1KiB"\n')
    big = (("Content-Type", "text/plain"),)
    eventually(lambda: door.ask("POST", "/one/x", *big, body=b"x" * 2048).status == 413, "the limit is not obeyed")
    assert door.ask("POST", "/one/x", *big, body=b"x" * 1024).status == 200


# -- drain


def slow_application() -> tuple[socket.socket, str]:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    return listener, f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_a_request_under_way_gets_its_answer_before_the_process_ends() -> None:
    listener, url = slow_application()
    with listener, serving(POLICY, url) as door:
        answers: list[int] = []
        asking = threading.Thread(target=lambda: answers.append(door.get("/one/x").status))
        asking.start()
        application, _ = listener.accept()
        with application:
            assert application.recv(65_536).startswith(b"GET /one/x")
            door.process.terminate()
            eventually(lambda: not accepts(door.address), "it still takes connections")
            assert door.process.poll() is None
            application.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            asking.join(PATIENCE)
        assert answers == [200]
        assert door.process.wait(PATIENCE) == 0
        assert "stopped" in door.text


def accepts(address: tuple[str, int]) -> bool:
    try:
        with socket.create_connection(address, timeout=1):
            return True
    except OSError:
        return False


def test_a_second_signal_ends_it_at_once() -> None:
    listener, url = slow_application()
    with listener, serving(POLICY, url) as door, socket.create_connection(door.address, timeout=PATIENCE) as client:
        host = door.url.removeprefix("http://")
        client.sendall(f"GET /one/x HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        application, _ = listener.accept()
        with application:
            door.process.send_signal(signal.SIGINT)
            eventually(lambda: not accepts(door.address), "it still takes connections")
            door.process.send_signal(signal.SIGINT)
            assert door.process.wait(PATIENCE) == 0
            assert client.recv(100) == b""


def test_streams_end_when_the_process_is_told_to_end(recorder: Recorder) -> None:
    with serving(POLICY, recorder.url) as door, socket.create_connection(door.address, timeout=PATIENCE) as client:
        host = door.url.removeprefix("http://")
        client.sendall(f"GET /one/events HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        assert client.recv(12) == b"HTTP/1.1 200"
        door.process.terminate()
        while client.recv(65_536):
            pass
        assert door.process.wait(PATIENCE) == 0


def test_readiness_ends_before_the_listener(recorder: Recorder) -> None:
    with serving(POLICY, recorder.url) as door:
        assert door.ask("GET", "/ready", control=True).status == 200
        assert door.ask("GET", "/live", control=True).status == 200


# -- memory


def peak(door: Gateway) -> int:
    """The most memory the process ever had, bytes."""
    status = Path(f"/proc/{door.process.pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))) * 1024


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of memory is read from /proc")
def test_a_hundred_mebibytes_in_and_out_need_little_memory(recorder: Recorder) -> None:
    policy = POLICY.replace('methods = ["GET"]\n', "")
    with serving(policy, recorder.url) as door:
        assert door.get("/one/x").status == 200
        before = peak(door)
        for _ in range(20):
            assert len(exchange(door, "GET", f"/one/down?bytes={MIB}", 0)) == MIB
        exchange(door, "POST", "/one/up", 100)
        assert recorder.last.size == 100 * MIB
        assert peak(door) - before < 24 * MIB


def exchange(door: Gateway, method: str, target: str, mebibytes: int) -> bytes:
    """Send a body of so many mebibytes. Returns: the answer's body."""
    length = f"Content-Length: {mebibytes * MIB}\r\n" if mebibytes else ""
    head = (
        f"{method} {target} HTTP/1.1\r\nHost: {door.url.removeprefix('http://')}\r\n{length}Connection: close\r\n\r\n"
    )
    with socket.create_connection(door.address, timeout=PATIENCE) as connection:
        connection.sendall(head.encode())
        for _ in range(mebibytes):
            connection.sendall(b"x" * MIB)
        answer = read_answer(connection)
    assert answer.status == 200
    return answer.body


def test_whoever_names_no_application_is_told_how() -> None:
    done = subprocess.run([DOORWARD, "serve"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("--to is missing: the application to guard, for example  doorward serve --to http://")
