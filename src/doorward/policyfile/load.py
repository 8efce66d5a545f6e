"""A policy file becomes a policy, or a list of everything that is wrong with it.

    loaded = load_file(Path("doorward.toml"))
    policy = loaded.require()

The same checks run in `check`, `policy lint`, `serve` and at reload. Rule: whatever the bytes, `load_text` returns.
Source: policy.md sections 2 to 4.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from doorward.core.errors import ConfigError
from doorward.core.policy import Policy
from doorward.policyfile.build import build
from doorward.policyfile.finding import Finding, Log
from doorward.policyfile.locate import locate
from doorward.policyfile.parse import parse

__all__ = ["Finding", "Loaded", "load_file", "load_text"]


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a file says. policy: None iff there is an error; findings: errors, warnings, notes, each by line."""

    policy: Policy | None
    findings: tuple[Finding, ...]
    file: str

    def require(self) -> Policy:
        """The policy. Raises PolicyError, the first one."""
        if self.policy is None:
            raise self.findings[0].error(self.file)
        return self.policy


def load_file(path: Path) -> Loaded:
    """Read a policy file. Raises ConfigError only when it cannot be read."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"The policy file {path} cannot be read: {error.strerror}.", hint="Name it: --policy."
        ) from error
    return load_text(data, file=str(path), folder=path.parent)


def load_text(data: bytes, *, file: str, folder: Path) -> Loaded:
    """Read the bytes of a policy file.

    file: its name in findings; folder: what relative paths in it are relative to. Never raises.
    """
    text, parsed = parse(data)
    if isinstance(parsed, Finding):
        return Loaded(None, (parsed,), file)
    log = Log(locate(text))
    policy = build(log, parsed, folder, hashlib.sha256(data).hexdigest()[:6])
    return Loaded(None if log.failed else policy, log.sorted(), file)
