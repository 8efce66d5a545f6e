"""The five requests of the demo: really sent, shown with their real answers, each with the reason from the ledger.

Rule: nothing here knows in advance what the door will say; whatever it says is what is shown.
"""

from __future__ import annotations

import base64
import http.client
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus

from doorward.core.reason import Reason
from doorward.ledger.event import AuditEvent
from doorward.sinks.reading import Reader

PERSONAS = {"alice": "admin", "bob": "editor", "carol": "customer", "dave": ""}
"""Name, which is the password too, and role. Bound to loopback and to a throw-away folder."""
_ID = "X-Request-ID"
_PATIENCE = 10.0
# The ledger writes every 50 ms; on a loaded machine that can be seconds.
_LOOK = 0.02


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. headers: in order; id: "" where the application answered."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def one(self, name: str) -> str:
        """The first value of a field, "" without one."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")

    @property
    def lasting(self) -> tuple[object, ...]:
        """The answer without what differs from one request to the next: date and id."""
        id_ = self.one(_ID)
        fields = tuple(pair for pair in self.headers if pair[0] not in ("Date", _ID))
        return self.status, fields, self.body.replace(id_.encode(), b"") if id_ else self.body


@dataclass(frozen=True, slots=True)
class Step:
    """One request of the tour. who: persona, "" for nobody; times: how often it is sent, the last answer is shown."""

    method: str
    path: str
    who: str = ""
    times: int = 1
    neighbour: str = ""

    def command(self, host: str) -> str:
        """The same for the reader's own terminal."""
        words = ["curl -i"]
        words += [f"-u {self.who}:{self.who}"] if self.who else []
        words += [f"-X {self.method}"] if self.method != "GET" else []
        line = f"{' '.join(words)} {host}{self.path}"
        return f"for i in {' '.join(map(str, range(1, self.times + 1)))}; do {line}; done" if self.times > 1 else line


TOUR = (
    Step("GET", "/orders"),
    Step("GET", "/admin/settings", "carol"),
    Step("GET", "/admin/top-secret", "carol", neighbour="/admin/no-such-page"),
    Step("POST", "/api/login", times=6),
    Step("GET", "/admin/settings", "alice"),
)


@dataclass(frozen=True, slots=True)
class Shown:
    """A step that was taken. what: the answer in one line; why: the reason in one line; id: of a refusal."""

    step: Step
    status: int
    what: str
    why: str
    id: str


def take(host: str, port: int, reader: Reader) -> Iterator[Shown]:
    """Send the five requests. reader: of the demo's ledger. Raises OSError."""
    for step in TOUR:
        answer = [ask(host, port, step.method, step.path, step.who) for _ in range(step.times)][-1]
        event = _recorded(reader, answer.one(_ID))
        same = ""
        if step.neighbour and event is not None:
            other = ask(host, port, step.method, step.neighbour, step.who)
            same = "the same bytes as" if other.lasting == answer.lasting else "NOT the same bytes as"
        yield Shown(step, answer.status, _what(answer, event), _why(step, answer, event, same), answer.one(_ID))


def ask(host: str, port: int, method: str, path: str, who: str) -> Answer:
    """One request of a persona, on a connection of its own."""
    connection = http.client.HTTPConnection(host, port, timeout=_PATIENCE)
    try:
        headers = {"Authorization": f"Basic {base64.b64encode(f'{who}:{who}'.encode()).decode()}"} if who else {}
        connection.request(method, path, headers=headers)
        reply = connection.getresponse()
        return Answer(reply.status, tuple(reply.getheaders()), reply.read())
    finally:
        connection.close()


def _recorded(reader: Reader, request_id: str) -> AuditEvent | None:
    """The row of a refusal, as soon as it is on disk; None for what no refusal was."""
    end = time.monotonic() + _PATIENCE
    while request_id and time.monotonic() < end:
        if found := reader.find(request_id):
            return found[0]
        time.sleep(_LOOK)
    return None


def _what(answer: Answer, event: AuditEvent | None) -> str:
    if answer.status == HTTPStatus.UNAUTHORIZED:
        return f"WWW-Authenticate: {answer.one('WWW-Authenticate')}"
    if answer.one("Retry-After"):
        return f"Retry-After: {answer.one('Retry-After')}"
    if event is not None:
        return event.code if event.truth else event.reason
    return answer.one("Content-Type")


def _why(step: Step, answer: Answer, event: AuditEvent | None, same: str) -> str:
    """The reason in words. What is not said here is shown as the ledger has it."""
    if event is None:
        return f"{step.who} is {PERSONAS.get(step.who) or 'nobody'}; the application answered."
    wait = answer.one("Retry-After")
    role, needed = PERSONAS.get(step.who) or "nothing", event.required.removeprefix("role ")
    told = {
        Reason.CREDENTIALS_MISSING: "who are you? No credentials were sent.",
        Reason.ROLE_MISSING: f"I know you, {event.who}, but this needs {needed}; you are {role}.",
        Reason.RATE_EXCEEDED: f"the limit of rule {event.rule} is used up; the next try is in {wait} s.",
    }
    if event.truth:
        return f"hidden ({event.truth}): {same} {step.neighbour}, which does not exist."
    return told.get(Reason(event.reason), f"{event.reason} {event.required}".rstrip())
