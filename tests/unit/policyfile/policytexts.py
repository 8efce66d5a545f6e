"""Policy texts for tests: a head that is right, and the findings of a body behind it.

Rule: nothing here judges; `said` shows findings as "line code text", lines counted from the body's first line.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from doorward.core.policy import Policy
from doorward.policyfile.finding import Finding
from doorward.policyfile.load import Loaded, load_text

ROOT = Path(__file__).parents[3]
HEAD = """version = 1
realm = "shop"
[credentials]
session = {}
apikey = {}
bearer = { issuers = ["idp"], audience = "https://shop.example" }
[issuers.idp]
issuer = "https://idp.example"
jwks = "https://idp.example/keys"
algorithms = ["RS256"]
"""


def load(text: str, folder: Path = Path("/nowhere")) -> Loaded:
    """Load a whole text."""
    return load_text(text.encode(), file="doorward.toml", folder=folder)


def policy(body: str, folder: Path = Path("/nowhere")) -> Policy:
    """The policy of a body behind the head. Raises PolicyError."""
    return load(HEAD + body, folder).require()


def said(body: str, head: str = HEAD, folder: Path = Path("/nowhere"), levels: str = "EW") -> list[str]:
    """Findings of a body, lines relative to it; notes only where levels has an N."""
    found = load(head + body, folder).findings
    offset = head.count("\n")
    return [f"{one.line - offset} {one.said}" for one in found if one.code[0] in levels]


def one(body: str, head: str = HEAD, folder: Path = Path("/nowhere"), levels: str = "EW") -> str:
    """The only finding of a body."""
    found = said(body, head, folder, levels)
    assert len(found) == 1, found
    return found[0]


def rule(**keys: Any) -> str:
    """A rule in one line a key, written as TOML text: `rule(path='"/a"')`; a name is added."""
    given = {"name": '"r"', "path": '"/a"', **keys}
    lines = "".join(f"{'from' if key == 'from_' else key} = {value}\n" for key, value in given.items() if value)
    return f"[[rule]]\n{lines}"


def texts(findings: tuple[Finding, ...]) -> list[str]:
    """Findings as lines of a file called doorward.toml."""
    return [finding.text("doorward.toml") for finding in findings]
