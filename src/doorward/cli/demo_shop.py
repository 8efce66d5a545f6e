"""The shop that the demo guards: a plain application that knows nothing of doorward.

It believes the identity headers of whoever stands in front of it, as real applications do.
"""

from __future__ import annotations

import html
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width"><link rel="stylesheet" href="/style.css"></head>
<body><nav><a href="/">Shop</a> <a href="/catalog/shoes">Shoes</a> <a href="/orders">Orders</a>
<a href="/admin/posts">Posts</a> <a href="/admin/settings">Settings</a></nav><h1>{title}</h1><p>{who}</p></body></html>
"""
_STYLE = """:root{color-scheme:light dark}body{font:1rem/1.5 system-ui,sans-serif;max-width:40rem;margin:2rem auto;
padding:0 1rem}nav a{margin-inline-end:1rem}"""
_TITLES = {"/": "Everything for your feet", "/style.css": "", "/admin/top-secret": "The plans"}


class _Shop(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        self.rfile.read(size)
        path = self.path.partition("?")[0]
        if path == "/style.css":
            return self.send(_STYLE, "text/css")
        user, roles = self.headers.get("X-Doorward-User", ""), self.headers.get("X-Doorward-Roles", "")
        who = f"Hello {user} ({roles})." if user else "Hello stranger."
        title = _TITLES.get(path, path.strip("/").replace("/", " · ").capitalize())
        return self.send(_PAGE.format(title=html.escape(title), who=html.escape(who)), "text/html; charset=utf-8")

    def send(self, text: str, kind: str) -> None:
        body = text.encode()
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = answer  # noqa: N815 - names of the library

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the signature is inherited
        """Silence: the demo shows the door's words, not the shop's."""


class Shop:
    """The shop on a free loopback port, in a thread. url: where; close() ends it."""

    def __init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Shop)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = Thread(target=self._server.serve_forever, name="shop", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)
