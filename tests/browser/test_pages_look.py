"""The pages in a real Chromium: nothing overflows, everything can be hit and read, the styles pass their own policy."""

from __future__ import annotations

import http.server
import json
import shutil
import struct
import subprocess
import threading
import zlib
from html import escape

import pytest

from doorward.core.challenge import AuthChallenge
from doorward.core.cure import Act, Cure
from doorward.core.policy import Policy, Rule
from doorward.core.principal import Principal
from doorward.core.reason import Reason
from doorward.core.request import Headers, Vantage, Via, observe
from doorward.core.settings import AnswerSettings, Pages, Settings
from doorward.core.verdict import Challenge, Deny, Hide, LimitState, Throttle, Unavailable, malformed
from doorward.wire.form import LoginForm
from doorward.wire.locale import shipped
from doorward.wire.pages import login_page, session_page
from doorward.wire.render import render
from doorward.wire.shown import show

pytestmark = pytest.mark.browser

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ID = "01890a5d-ac96-774b-bcce-b302099a8057"
VANTAGE = Vantage(("https://shop.example",))
LAW = Policy(
    "v",
    "Shop",
    Settings(
        vantage=VANTAGE,
        login_page="/.doorward/login",
        pages=Pages(brand="Ember & Oak", support_url="https://help.example/"),
        answers=AnswerSettings(navigation="page"),
    ),
    (Rule("r"),),
)
LINES = (AuthChallenge("Session", (("realm", "Shop"),)),)
CAROL = Principal("carol", name="Carol-with-a-name-that-does-not-end-" + "x" * 60, scheme="session")
VERDICTS = (
    Challenge(Reason.CREDENTIALS_MISSING, "r", LINES, Cure(Act.AUTHENTICATE), login=True),
    Deny(Reason.ROLE_MISSING, "r", Cure(Act.GAIN_ROLE, roles=("administrator-of-everything", "editor"))),
    Hide(Deny(Reason.PATH_UNNAMED, "r", Cure(Act.NONE)), "r"),
    Throttle("r", 3600, (LimitState("burst", 5, 60, 0, 3600),)),
    malformed(Reason.PATH_AMBIGUOUS, "the path has an encoded ';', backslash or control character"),
    Unavailable("store", 5),
)
# Measured in the page: what sticks out sideways, what is too small to hit, what is too faint to read (WCAG 2.2 AA).
MEASURE = """
const parse = c => (c.match(/[0-9.]+/g) || []).map(Number);
const light = c => parse(c).slice(0, 3).map(v => v / 255)
  .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
  .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
const solid = c => { const p = parse(c); return p.length === 3 || p[3] === 1; };
const behind = e => { for (; e; e = e.parentElement) {
  const c = e.ownerDocument.defaultView.getComputedStyle(e).backgroundColor; if (solid(c)) return c; }
  return 'rgb(255, 255, 255)'; };
const contrast = (a, b) => { const [x, y] = [light(a), light(b)].sort((m, n) => n - m); return (x + .05) / (y + .05); };
function measure(frame) {
  const doc = frame.contentDocument, view = frame.contentWindow, bad = [];
  if (doc.documentElement.scrollWidth > frame.clientWidth) bad.push('overflow ' + doc.documentElement.scrollWidth);
  for (const e of doc.querySelectorAll('a, button, input:not([type=hidden])')) {
    const box = e.getBoundingClientRect();
    if (box.height < 24 || box.width < 24) bad.push('small ' + e.outerHTML);
  }
  for (const e of doc.querySelectorAll('body *')) {
    if (![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())) continue;
    const ratio = contrast(view.getComputedStyle(e).color, behind(e));
    if (!(ratio >= 4.5)) bad.push('faint ' + ratio.toFixed(2) + ' ' + e.textContent);
  }
  for (const e of doc.querySelectorAll('input:not([type=hidden])'))
    if (!(contrast(view.getComputedStyle(e).borderColor, behind(e.parentElement)) >= 3)) bad.push('faint border');
  return bad;
}
window.onload = () => {
  const found = [...document.querySelectorAll('iframe')].map(f => [f.title, measure(f)]);
  document.getElementById('found').textContent = JSON.stringify(found);
};
"""


def asked(language="en"):
    fields = [("host", "shop.example"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")]
    headers = Headers([*fields, ("accept-language", language)])
    via = Via("198.51.100.7", "198.51.100.7", "https")
    return observe(VANTAGE, method="GET", target="/orders/1", headers=headers, via=via, at=1.8e9)


def replies(language):
    view = asked(language)
    for verdict in VERDICTS:
        yield render(LAW, show(LAW, verdict, view, CAROL), view, ID)
    yield login_page(LAW, view, LoginForm("t", "/orders", notice="session_expired"), ID)
    yield login_page(LAW, view, LoginForm("t", "/orders", who=CAROL.label), ID)
    yield login_page(LAW, view, LoginForm("t", name="carol"), ID, show(LAW, VERDICTS[0], view, None))
    yield session_page(LAW, view, CAROL, csrf="t", request_id=ID)


def chromium(tmp_path, *arguments):
    if CHROMIUM is None:
        pytest.skip("no Chromium found")
    switches = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    more = "--disable-component-update --disable-sync --hide-scrollbars --run-all-compositor-stages-before-draw"
    command = [CHROMIUM, *switches.split(), *more.split(), f"--user-data-dir={tmp_path / 'profile'}", *arguments]
    return subprocess.run(command, check=True, capture_output=True, timeout=120).stdout.decode()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 900])
def test_every_page_in_every_language_fits_can_be_hit_and_can_be_read(tmp_path, scheme, width):
    frames = [
        f'<iframe title="{tag} {number}" width={width} height=700 srcdoc="{escape(reply.body.decode())}"></iframe>'
        for tag in shipped()
        for number, reply in enumerate(replies(tag))
    ]
    sheet = f"<!doctype html><meta charset=utf-8><pre id=found></pre>{''.join(frames)}<script>{MEASURE}</script>"
    (tmp_path / "sheet.html").write_text(sheet, encoding="utf-8")
    wish = [f"--blink-settings=preferredColorScheme={0 if scheme == 'dark' else 1}"]
    dom = chromium(tmp_path, *wish, "--dump-dom", (tmp_path / "sheet.html").as_uri())
    found = json.loads(dom.partition('<pre id="found">')[2].partition("</pre>")[0])
    assert len(found) == len(frames)
    assert [each for each in found if each[1]] == []


def first_pixel(path):
    """Red, green, blue of the upper left corner of a PNG: the first pixel of the first row is stored as it is."""
    data = path.read_bytes()
    at, packed = 8, b""
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at : at + 8])
        packed += data[at + 8 : at + 8 + size] if kind == b"IDAT" else b""
        at += size + 12
    return tuple(zlib.decompress(packed)[1:4])


@pytest.mark.parametrize(("scheme", "ground"), [("light", (0xF3, 0xF4, 0xF6)), ("dark", (0x10, 0x13, 0x19))])
def test_the_styles_pass_the_content_policy_that_is_sent_with_them(tmp_path, scheme, ground):
    reply = next(replies("en"))

    class Door(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(reply.status)
            for name, value in reply.framed("GET").headers:
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.body)

        def log_message(self, *arguments):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Door) as server:
        server.daemon_threads = False
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            picture = tmp_path / "page.png"
            wish = f"--blink-settings=preferredColorScheme={0 if scheme == 'dark' else 1}"
            where = f"http://127.0.0.1:{server.server_address[1]}/"
            chromium(tmp_path, wish, "--window-size=800,700", f"--screenshot={picture}", where)
        finally:
            server.shutdown()
            thread.join()
    assert first_pixel(picture) == ground
