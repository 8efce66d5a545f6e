"""Hidden fields of the first form of a page. Rule: reads what a browser would read."""

from __future__ import annotations

from html.parser import HTMLParser


class _Hidden(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "input" and values.get("type") == "hidden":
            self.found[str(values["name"])] = values.get("value") or ""


def hidden_fields(page: bytes) -> dict[str, str]:
    """Name -> value."""
    parser = _Hidden()
    parser.feed(page.decode())
    return parser.found
