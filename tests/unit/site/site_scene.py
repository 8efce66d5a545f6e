"""A door with our own pages, in memory: what a gateway does with a request under /.doorward/, without its sockets.

    door = Door(policy(), world)
    page = door.get("/.doorward/login", BROWSER)
    done = door.submit(page, username="carol", password="pw-carol")

Rule: the request is decided on first, as every host does; only what the door lets through reaches the pages.
"""

from __future__ import annotations

import asyncio
import json
from html.parser import HTMLParser
from urllib.parse import urlencode

from doorward.core.ask import Session
from doorward.core.errors import DependencyError
from doorward.core.verdict import Allow
from doorward.guard.desk import Desk
from doorward.guard.guard import Guard
from doorward.site.app import Site
from doorward.site.call import REQUEST_ID, VIEW
from doorward.wire.render import refuse
from doorward.wire.reply import Reply
from kit import World, account, policy, view

ID = "01890a5d-ac96-774b-bcce-b302099a8057"
LOGIN, LOGOUT, SESSION, KEYS = (f"/.doorward/{name}" for name in ("login", "logout", "session", "jwks.json"))
COOKIE, LOGIN_COOKIE = "__Host-doorward", "__Host-doorward-login"
BROWSER = {
    "sec-fetch-mode": "navigate",
    "sec-fetch-dest": "document",
    "sec-fetch-site": "same-origin",
    "accept": "text/html,*/*;q=0.8",
}
SCRIPT = {"sec-fetch-mode": "cors", "sec-fetch-dest": "empty", "sec-fetch-site": "same-origin", "accept": "*/*"}
PROGRAM = {"accept": "application/json"}
FORM = {"content-type": "application/x-www-form-urlencoded"}
JSON = {"content-type": "application/json"}
KEYSET = {"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "a", "x": "AA"}]}


class Notes:
    """What was recorded. slow: as in `[ledger] mode = "sync"`, the reply waits for the record."""

    def __init__(self, *, slow: bool = False) -> None:
        self.seen = []
        self._slow = slow

    def note(self, policy, view, verdict, trace, request_id):
        async def later():
            self.seen.append((verdict, trace, request_id))

        if self._slow:
            return later()
        self.seen.append((verdict, trace, request_id))
        return None

    @property
    def reasons(self):
        """Reasons of the refusals."""
        return [str(verdict.reason) for verdict, _, _ in self.seen if not isinstance(verdict, Allow)]

    @property
    def steps(self):
        return [trace.step for _, trace, _ in self.seen]

    @property
    def welcomed(self):
        """Who was let in or out."""
        return [verdict.principal.subject for verdict, _, _ in self.seen if isinstance(verdict, Allow)]


class Door:
    """Policy, world and pages; cookies are kept as a browser keeps them. failing: session writes that go wrong."""

    def __init__(self, law=None, world=None, *, slow=False):
        self.world = world or World().with_accounts(
            account("carol", "7", roles="customer"), account("olga", "8", roles="editor", disabled=True)
        )
        self.law = law or policy()
        self.notes = Notes(slow=slow)
        self.guard = Guard(self.law, self.world.answers)
        self.opened = 0
        self.failing = ""
        self.jar = {}
        desk = Desk(self._open, self._end, lambda session: self.world.tokens[session], b"k" * 32)
        self.site = Site(self.guard, desk, self.notes, lambda: KEYSET)

    async def _open(self, subject, at):
        if self.failing == "open":
            raise DependencyError("store")
        self.opened += 1
        ended = "disabled" if self.failing == "disabled" else ""
        session, secret = Session(f"new-{self.opened}", subject, at, at, at, ended), f"secret-{self.opened}"
        self.world.sessions[secret] = session
        self.world.tokens[session.id] = f"csrf-{session.id}"
        return session, secret

    async def _end(self, session, at):
        if self.failing == "end":
            raise DependencyError("store")
        for secret, held in list(self.world.sessions.items()):
            if held.id == session:
                self.world.sessions[secret] = Session(held.id, held.subject, held.created, at, held.auth_time, "logout")

    def live(self, secret):
        found = self.world.sessions.get(secret)
        return found is not None and not found.ended

    def ask(self, method, target, *groups, body=b"", jar=True, chunks=(), **more) -> Reply:
        """One request. chunks: the body in pieces, None for a client that goes away; jar: send the kept cookies."""
        sent = (
            [{"cookie": "; ".join(f"{name}={value}" for name, value in self.jar.items())}] if jar and self.jar else []
        )
        size = [{"content-length": str(len(body))}] if body else []
        asked = view(method, target, *groups, *sent, *size, body=bool(body or chunks), **more)
        reply = asyncio.run(self._serve(asked, list(chunks) or [body]))
        if jar:
            self._keep(reply)
        return reply

    async def _serve(self, asked, pieces) -> Reply:
        verdict = await self.guard.adecide(asked)
        if not isinstance(verdict, Allow):
            return refuse(self.law, verdict, asked, ID)
        sent = []

        async def receive():
            piece = pieces.pop(0)
            if piece is None:
                return {"type": "http.disconnect"}
            return {"type": "http.request", "body": piece, "more_body": bool(pieces)}

        async def send(message):
            sent.append(message)

        await self.site({"type": "http", VIEW: asked, REQUEST_ID: ID}, receive, send)
        head, content = sent
        pairs = tuple((name.decode(), value.decode()) for name, value in head["headers"])
        return Reply(head["status"], pairs, content["body"])

    def _keep(self, reply):
        for line in reply.all("Set-Cookie"):
            name, _, rest = line.partition("=")
            value = rest.partition(";")[0]
            if "Max-Age=0" in line:
                self.jar.pop(name, None)
            else:
                self.jar[name] = value

    def get(self, target, *groups, **more) -> Reply:
        return self.ask("GET", target, *groups, **more)

    def post(self, target, fields, *groups, **more) -> Reply:
        """A form, sent as a browser sends it."""
        return self.ask("POST", target, FORM, *(groups or (BROWSER,)), body=urlencode(fields).encode(), **more)

    def post_json(self, target, value, *groups, **more) -> Reply:
        octets = value if isinstance(value, bytes) else json.dumps(value).encode()
        return self.ask("POST", target, JSON, *(groups or (SCRIPT,)), body=octets, **more)

    def submit(self, page: Reply, *groups, **filled) -> Reply:
        """Fill the form of a page in and send it."""
        return self.post(LOGIN, {**inputs(page), **filled}, *groups)

    def log_in(self, name="carol", password="pw-carol", target=LOGIN, **filled) -> Reply:
        """Everything a person does."""
        return self.submit(self.get(target, BROWSER), username=name, password=password, **filled)


class _Inputs(HTMLParser):
    def __init__(self, source: bytes) -> None:
        super().__init__()
        self.found = {}
        self.feed(source.decode())

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        if tag == "input":
            self.found[values["name"]] = values.get("value") or ""


def inputs(page: Reply) -> dict[str, str]:
    """The fields of the form of a page, with what stands in them."""
    return _Inputs(page.body).found


def said(page: Reply) -> str:
    """The body as text."""
    return page.body.decode()
