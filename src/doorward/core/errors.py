"""Errors, by whose fault they are.

    DoorwardError                  code, hint
    ├─ ConfigError                 the operator's; start-up or reload only
    │  └─ PolicyError              file, line, rule, code (E102 …), hint
    ├─ DependencyError             an answer could not be had; becomes 503
    └─ Denied(verdict)             raised by faces whose framework can stop only by raising

A refusal of a request is never an error but a verdict. Rule: no error has a field that could hold a secret.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from doorward.core.verdict import Refusal


class DoorwardError(Exception):
    """Somebody's mistake. `code` is stable, `hint` says what to do next."""

    code = "doorward-error"

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".rstrip()


class ConfigError(DoorwardError):
    """The operator's mistake: refused at start-up or reload, never at a request."""

    code = "config-error"


class PolicyError(ConfigError):
    """A fault of the policy file, with its place and its mend.

    file: path as given; line: 1-based, 0 where the whole file is meant; rule: name of the rule or gate, or "".
    """

    def __init__(
        self, code: str, message: str, *, file: str = "", line: int = 0, rule: str = "", hint: str = ""
    ) -> None:
        super().__init__(message, hint=hint)
        self.code = code
        self.file = file
        self.line = line
        self.rule = rule

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.code} {self.message} {self.hint}".rstrip()


class DependencyError(DoorwardError):
    """An answer could not be had: store, provider, hash queue. Becomes Unavailable (503), never 401 or 403.

    name: which dependency; retry_after: seconds, at least 1.
    """

    code = "dependency-down"

    def __init__(self, name: str, retry_after: int = 5, *, hint: str = "") -> None:
        super().__init__(f"{name} is unavailable.", hint=hint)
        self.name = name
        self.retry_after = max(1, retry_after)


class Denied(DoorwardError):  # noqa: N818 - the name is fixed in the vocabulary; it is a verdict being carried
    """Carries a refusal through a framework that can stop a request only by raising."""

    code = "denied"

    def __init__(self, verdict: Refusal) -> None:
        super().__init__(f"denied: {verdict.reason}")
        self.verdict = verdict
