"""Outgoing calls for keys: one GET, with every way to be led astray closed.

No redirect, no proxy from the environment, no cookie, no compression, a byte limit and a deadline. The address comes
from the operator; the answer may come from anybody who can reach the provider.

Rule: this file knows no key and keeps no state. The HTTP library is imported at the first call only.
Source: answers.md J14, architecture.md section 5.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from doorward.core.errors import DependencyError
from doorward.core.keysource import check_key_url

if TYPE_CHECKING:
    from aiohttp import ClientResponse

LIMIT: Final = 256 * 1024
TIMEOUT: Final = 3.0
_MAX_AGE: Final = re.compile(r"max-age=\"?([0-9]{1,9})\"?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer. max_age: seconds the sender lets it be kept, 0 when not at all, None when it does not say."""

    body: bytes
    max_age: int | None = None


async def fetch_json(url: str, *, limit: int = LIMIT, timeout: float = TIMEOUT) -> Fetched:  # noqa: ASYNC109 - the deadline is part of the rule J14 and covers connecting, headers and body alike
    """Fetch a small JSON document.

    url: as check_key_url accepts it; limit: bytes of the body; timeout: seconds for everything together.
    Returns: the body, not parsed. Raises: DependencyError for whatever prevents a plain 200 within the limits; it
    names the host and never quotes the answer. Source: answers.md J14.
    """
    fault = check_key_url(url)
    if fault is not None:
        raise DependencyError("identity provider", hint=f"The address cannot be used: {fault}.")
    host = urlsplit(url).netloc
    import aiohttp  # noqa: PLC0415 - 190 ms that only those pay who fetch

    session = aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=timeout),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=False,
        headers={"Accept": "application/jwk-set+json, application/json", "Accept-Encoding": "identity"},
    )
    try:
        async with session, session.get(url, allow_redirects=False) as response:
            return await _read(response, limit, host)
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        raise DependencyError(host, hint=f"Fetching failed: {type(error).__name__}.") from error


async def _read(response: ClientResponse, limit: int, host: str) -> Fetched:
    if response.status != HTTPStatus.OK:
        # A redirect is an answer like any other that is not 200: where it leads is not the operator's choice.
        raise DependencyError(host, hint=f"It answered {response.status}, and only 200 is accepted.")
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise DependencyError(host, hint="It answered with a compression nobody asked for.")
    body = bytearray()
    async for piece in response.content.iter_any():
        body += piece
        if len(body) > limit:
            raise DependencyError(host, hint=f"Its answer is longer than {limit} bytes.")
    return Fetched(bytes(body), max_age(",".join(response.headers.getall("Cache-Control", []))))


def max_age(cache_control: str) -> int | None:
    """Read how long an answer may be kept.

    cache_control: the field value, lines joined by commas.
    Returns: seconds, 0 for no-store and no-cache, None when it does not say. Never raises. Source: RFC 9111 5.2.2.
    """
    directives = [directive.strip() for directive in cache_control.split(",")]
    if any(directive.lower() in {"no-store", "no-cache"} for directive in directives):
        return 0
    ages = [found for directive in directives if (found := _MAX_AGE.fullmatch(directive))]
    # Of several the shortest: RFC 9111 4.2.1 leaves the choice to the reader.
    return min((int(found[1]) for found in ages), default=None)
