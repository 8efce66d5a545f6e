"""What an operator may name as a source of keys: addresses and algorithms. The same for the file and for the fetch.

Rule: nothing here fetches, reads a key or verifies; it judges what is written down.
Source: answers.md J14, RFC 8725 3.1.
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

SYMMETRIC: Final = frozenset({"HS256", "HS384", "HS512"})
"""One secret on both sides: whoever verifies can sign."""
ASYMMETRIC: Final = frozenset(
    {
        *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
        *("ES256", "ES384", "ES512", "EdDSA", "Ed25519"),
    }
)
PRIVATE_MEMBERS: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
"""Members of a JWK that are secret (RFC 7518 6.2.2, 6.3.2, 6.4)."""
_PRINTABLE: Final = re.compile(r"[\x21-\x7e]+")


def check_key_url(url: str) -> str | None:
    """Tell what is wrong with an address for keys.

    url: absolute.
    Returns: the fault as a sentence for the operator; None for https, or http to a loopback address (not a name, which
    somebody could point elsewhere). Never raises. Source: answers.md J14.
    """
    if not _PRINTABLE.fullmatch(url) or "\\" in url:
        return "it must be printable ASCII without blanks and backslashes"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return "host or port cannot be read"
    if not host or port == 0:
        return "it names no host, or port 0"
    if "@" in parts.netloc or parts.fragment:
        return "it must not hold a user name, a password or a fragment"
    if parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(host)):
        return None
    return "it must be https, or http to a loopback address such as 127.0.0.1"


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
