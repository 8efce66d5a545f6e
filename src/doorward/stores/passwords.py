"""Passwords: argon2id in a pool of threads of its own, with a short queue: answers `VerifyPassword`.

19 MiB, two passes, one lane (OWASP; architecture.md 5). An account that does not exist, or has no password, costs the
same as one that does. Rule: no password is kept, logged or named in an error. Source: answers.md BA5, P5.
"""

from __future__ import annotations

import base64
import os
import secrets
import sys
import unicodedata
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from typing import TypeVar

from doorward.core.ask import Later, VerifyPassword
from doorward.core.errors import ConfigError, DependencyError
from doorward.stores.names import normal
from doorward.stores.waiting import settle

T = TypeVar("T")
MEMORY_KIB, PASSES, LANES = 19_456, 2, 1
_SALT, _HASH = 16, 32
MIN_LENGTH, MAX_LENGTH = 8, 1024
"""Characters of a new password; nothing else is asked of it."""


def check_new(secret: str) -> None:
    """Whether a password may be taken. Raises ConfigError: too short, too long, or Basic could never send it."""
    if len(secret) < MIN_LENGTH:
        raise ConfigError(f"The password needs at least {MIN_LENGTH} characters.", hint="Length is all that is asked.")
    if len(secret) > MAX_LENGTH:
        raise ConfigError(f"The password is longer than {MAX_LENGTH} characters.")
    # RFC 7617 2: "The user-id and password MUST NOT contain any control characters".
    if any(unicodedata.category(char) in {"Cc", "Cs"} for char in secret):
        raise ConfigError("The password has control characters, which Basic cannot carry.", hint="Leave them out.")


class Passwords:
    """The pool. threads: None = as many as cores; queue: how many may wait beyond those being hashed."""

    def __init__(self, threads: int | None = None, queue: int = 64) -> None:
        self._threads = threads or _cores()
        self._room = self._threads + queue
        self._pool: ThreadPoolExecutor | None = None
        self._lock = Lock()
        self._dummy = _dummy_hash()

    def verify(self, question: VerifyPassword) -> bool | Later:
        """Answer VerifyPassword. Raises DependencyError("hashing") when the queue is full."""
        account = question.account
        stored = account.password if account is not None else ""
        secret = _octets(question.secret)
        return settle(self._submit(lambda: _verify(stored or self._dummy, secret, self._dummy)))

    def hash(self, secret: str) -> str:
        """The hash of a new password, made in this thread."""
        return hash_password(secret)

    def close(self) -> None:
        """Drop what waits, finish what is being hashed."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def _submit(self, work: Callable[[], T]) -> Future[T]:
        with self._lock:
            if self._room == 0:
                raise DependencyError("hashing", 1)
            self._room -= 1
            if self._pool is None:
                self._pool = ThreadPoolExecutor(self._threads, "hashing")
        try:
            future = self._pool.submit(work)
        except RuntimeError as closed:
            self._leave()
            raise DependencyError("hashing", 1) from closed
        future.add_done_callback(self._leave)
        return future

    def _leave(self, _: object = None) -> None:
        with self._lock:
            self._room += 1


def hash_password(secret: str) -> str:
    """The hash of a new password, salted. About 20 ms."""
    from argon2.low_level import Type, hash_secret  # noqa: PLC0415 - only who hashes pays for it

    salt = secrets.token_bytes(_SALT)
    return hash_secret(_octets(secret), salt, PASSES, MEMORY_KIB, LANES, _HASH, Type.ID).decode()


def _cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def _verify(stored: str, secret: bytes, dummy: str) -> bool:
    from argon2.exceptions import VerificationError, VerifyMismatchError  # noqa: PLC0415 - as above
    from argon2.low_level import Type, verify_secret  # noqa: PLC0415 - as above

    try:
        return verify_secret(stored.encode(), secret, Type.ID)
    except VerifyMismatchError:
        return False
    except VerificationError:  # a row that is no hash of ours: it costs as much as any other
        return stored != dummy and _verify(dummy, secret, dummy)


def _octets(secret: str) -> bytes:
    return normal(secret).encode("utf-8", "surrogatepass")


def _dummy_hash() -> str:
    """A hash with the same parameters that no password has: its digest is random."""
    salt, digest = (base64.b64encode(secrets.token_bytes(size)).decode().rstrip("=") for size in (_SALT, _HASH))
    return f"$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}${salt}${digest}"
