"""A real Chromium, driven over the DevTools protocol: what a person does with keys and mouse, and what came of it.

    with chromium() as browser, browser.tab() as tab:
        tab.go("http://127.0.0.1:8080/")
        tab.press("Tab")

Rule: nothing here knows doorward. Every wait ends with an event or a condition in the page, or with an error.
"""

from __future__ import annotations

import base64
import itertools
import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import connect

BINARY = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_SWITCHES = (
    *(
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--hide-scrollbars",
        "--remote-debugging-port=0",
    ),
    # Nothing but what the pages themselves ask for may leave this machine.
    *("--no-first-run", "--no-default-browser-check", "--disable-background-networking", "--disable-component-update"),
    *("--disable-sync", "--disable-default-apps", "--disable-extensions", "--disable-client-side-phishing-detection"),
    "--disable-features=Translate,OptimizationHints,MediaRouter",
)
_PATIENCE = 60.0
_KEYS = {"Tab": 9, "Enter": 13, "Escape": 27, "Space": 32}


class Tab:
    """One page. log: what the console got; asked: every request as (method, URL); answers: URL -> status, last one."""

    def __init__(self, line: Any, session: str) -> None:
        self._line, self._session = line, session
        self._ids = itertools.count(1)
        self._loads = 0
        self.log: list[str] = []
        self.asked: list[tuple[str, str]] = []
        self.answers: dict[str, int] = {}
        self.dialogues: list[str] = []
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """One command of the protocol."""
        number = next(self._ids)
        self._line.send(json.dumps({"id": number, "method": method, "params": params, "sessionId": self._session}))
        while True:
            message = self._receive()
            if message.get("id") == number and message.get("sessionId") == self._session:
                assert "error" not in message, (method, params, message["error"])
                found: dict[str, Any] = message["result"]
                return found

    def _receive(self) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(self._line.recv(timeout=_PATIENCE))
        if message.get("sessionId") == self._session and "method" in message:
            self._event(message["method"], message["params"])
        return message

    def _event(self, name: str, facts: dict[str, Any]) -> None:
        match name:
            case "Page.loadEventFired":
                self._loads += 1
            case "Page.javascriptDialogOpening":
                self.dialogues.append(facts["message"])
            case "Network.requestWillBeSent":
                self.asked.append((facts["request"]["method"], facts["request"]["url"]))
                if "redirectResponse" in facts:
                    self.answers[facts["redirectResponse"]["url"]] = facts["redirectResponse"]["status"]
            case "Network.responseReceived":
                self.answers[facts["response"]["url"]] = facts["response"]["status"]
            case "Log.entryAdded":
                self.log.append(f"{facts['entry']['source']} {facts['entry']['level']} {facts['entry']['text']}")
            case "Runtime.consoleAPICalled":
                self.log.append(f"console {facts['type']} {[one.get('value') for one in facts['args']]}")
            case "Runtime.exceptionThrown":
                self.log.append(f"exception {facts['exceptionDetails']['text']}")

    def go(self, url: str) -> None:
        """Type an address in; returns when the page is there."""
        with self.loading():
            assert not self.call("Page.navigate", url=url).get("errorText")

    @contextmanager
    def loading(self) -> Iterator[None]:
        """Do something that leads to another page, and wait for it."""
        before = self._loads
        yield
        while self._loads == before:
            self._receive()

    def until(self, condition: Callable[[], Any]) -> None:
        """Wait for something that has to happen at last; events are taken in meanwhile."""
        end = time.monotonic() + _PATIENCE
        while not condition():
            assert time.monotonic() < end, "it never happened"
            self.run("new Promise(done => setTimeout(done, 50))")

    def run(self, expression: str) -> Any:
        """The value of an expression in the page; promises are waited for."""
        outcome = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in outcome, outcome["exceptionDetails"]
        return outcome["result"].get("value")

    @property
    def where(self) -> str:
        """The address shown."""
        return str(self.run("location.href"))

    @property
    def text(self) -> str:
        """What the page says."""
        return str(self.run("document.body.innerText"))

    @property
    def focus(self) -> str:
        """Where the keyboard is: id, or tag and text."""
        told = "e => e.id || e.tagName.toLowerCase() + ' ' + e.innerText.trim()"
        return str(self.run(f"({told})(document.activeElement)"))

    def press(self, key: str) -> None:
        """Press and release a key."""
        code = _KEYS[key]
        text = {"Enter": "\r", "Space": " "}.get(key, "")
        facts = {"key": " " if key == "Space" else key, "code": key, "windowsVirtualKeyCode": code}
        self.call("Input.dispatchKeyEvent", type="keyDown", text=text, **facts)
        self.call("Input.dispatchKeyEvent", type="keyUp", **facts)

    def write(self, text: str) -> None:
        """Type into what has the focus."""
        self.call("Input.insertText", text=text)

    def click(self, selector: str) -> None:
        """Click the middle of an element."""
        element = f"document.querySelector({json.dumps(selector)})"
        self.run(f"{element}.scrollIntoView()")
        x, y = self.run(f"(b => [b.x + b.width / 2, b.y + b.height / 2])({element}.getBoundingClientRect())")
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def look(
        self, *, width: int = 900, height: int = 720, dark: bool = False, contrast: bool = False, language: str = "en"
    ) -> None:
        """How the person looks at it."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        wishes = {"color-scheme": "dark" if dark else "light", "contrast": "more" if contrast else "no-preference"}
        features = [{"name": f"prefers-{name}", "value": value} for name, value in wishes.items()]
        self.call("Emulation.setEmulatedMedia", features=features)
        self.call("Network.setExtraHTTPHeaders", headers={"Accept-Language": language})

    def cookies(self) -> dict[str, dict[str, Any]]:
        """The cookies of this address, as the browser keeps them."""
        return {each["name"]: each for each in self.call("Network.getCookies")["cookies"]}

    def picture(self, path: Path) -> None:
        """A screenshot."""
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))


class Browser:
    """A running Chromium with a profile of its own."""

    def __init__(self, line: Any) -> None:
        self._line = line
        self._ids = itertools.count(1_000_000)

    def _call(self, method: str, **params: Any) -> dict[str, Any]:
        number = next(self._ids)
        self._line.send(json.dumps({"id": number, "method": method, "params": params}))
        while (message := json.loads(self._line.recv(timeout=_PATIENCE))).get("id") != number:
            pass
        found: dict[str, Any] = message["result"]
        return found

    @contextmanager
    def tab(self) -> Iterator[Tab]:
        """A page with cookies of its own, as in a private window."""
        context = self._call("Target.createBrowserContext")["browserContextId"]
        target = self._call("Target.createTarget", url="about:blank", browserContextId=context)["targetId"]
        session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        try:
            yield Tab(self._line, session)
        finally:
            self._call("Target.disposeBrowserContext", browserContextId=context)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start a Chromium; skips, saying so, where none is installed."""
    if BINARY is None:
        pytest.skip("no Chromium found (Debian package chromium)")
    profile = Path(tempfile.mkdtemp(prefix="doorward-browser-"))
    process = subprocess.Popen(
        [BINARY, *_SWITCHES, f"--user-data-dir={profile}", "about:blank"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        with connect(_address(process, profile / "DevToolsActivePort"), max_size=None) as line:
            yield Browser(line)
    finally:
        process.terminate()
        process.wait(timeout=_PATIENCE)
        shutil.rmtree(profile, ignore_errors=True)


def _address(process: subprocess.Popen[bytes], file: Path) -> str:
    """Where the browser listens: it writes port and path into its profile."""
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until and process.poll() is None:
        lines = file.read_text().splitlines() if file.is_file() else []
        if len(lines) == 2:
            return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
        time.sleep(0.05)
    raise AssertionError(f"Chromium did not start: {process.poll()}")
