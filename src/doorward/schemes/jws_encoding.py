"""The two encodings of a JWS, read strictly: base64url without padding, and a JSON object without repeated names.

Two readers that disagree on one byte are how a signature is carried over to other claims; hence one spelling per value.

Rule: this file knows no key, no algorithm and no claim. Nothing here raises on any input.
"""

from __future__ import annotations

import binascii
import re
from base64 import urlsafe_b64encode

import msgspec

# "+", "/" and "=" belong to other alphabets (RFC 7515 section 2): turned into a blank, which strict mode refuses.
_TO_STANDARD = bytes.maketrans(b"-_+/=", b"+/   ")
_PADDING = (b"", b"", b"==", b"=")
# The last character of a two- or three-character group has four or two unused bits; RFC 4648 3.5: they must be zero.
_ENDS_OF_TWO = frozenset(b"AQgw")
_ENDS_OF_THREE = frozenset(b"AEIMQUYcgkosw048")
_TWO, _THREE = 2, 3
_STRINGS = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_OBJECT = msgspec.json.Decoder(dict[str, object])


def decode_base64url(text: bytes) -> bytes | None:
    """Decode one part of a compact JWS.

    text: ASCII without padding, any length.
    Returns: the octets; None for a foreign character, padding, blanks, an impossible length or stray trailing bits.
    Never raises. Source: RFC 7515 section 2, RFC 4648 section 3.5.
    """
    rest = len(text) & 3
    if (rest == _TWO and text[-1] not in _ENDS_OF_TWO) or (rest == _THREE and text[-1] not in _ENDS_OF_THREE):
        return None
    try:
        return binascii.a2b_base64(text.translate(_TO_STANDARD) + _PADDING[rest], strict_mode=True)
    except binascii.Error:
        return None


def encode_base64url(data: bytes) -> bytes:
    """Encode octets as base64url without padding.

    Returns: ASCII. Never raises. Source: RFC 7515 appendix C.
    """
    return urlsafe_b64encode(data).rstrip(b"=")


def decode_object(data: bytes) -> dict[str, object] | None:
    """Decode a JSON object.

    data: UTF-8 text; numbers beyond a double, lone surrogates and NaN are refused by the decoder.
    Returns: the object; None when it is anything else, or when a name occurs twice at any depth.
    Never raises. Source: RFC 7515 section 4 and RFC 7519 section 4 (names must be unique), RFC 8259.
    """
    try:
        found = _OBJECT.decode(data)
    except (ValueError, RecursionError):
        return None
    names = _count_names(found)
    # A name ends in quote and colon unless a blank stands between; a text "…\":" only adds to the count. So this count
    # can be too high, never too low, and equality proves that no name was swallowed. Otherwise count exactly.
    if data.count(b'":') == names and not _has_loose_quote(data):
        return found
    return found if _STRINGS.sub(b"", data).count(b":") == names else None


def _has_loose_quote(data: bytes) -> bool:
    return b'" ' in data or b'"\n' in data or b'"\t' in data or b'"\r' in data


def _count_names(found: dict[str, object]) -> int:
    """Count the names of a decoded tree, without recursion: the sender chooses the depth."""
    total = len(found)
    nested: list[object] = [value for value in found.values() if type(value) is dict or type(value) is list]
    while nested:
        value = nested.pop()
        if isinstance(value, dict):
            total += len(value)
            nested.extend(value.values())
        elif isinstance(value, list):
            nested.extend(value)
    return total
