"""The few structured field values that we send: strings, integers and parameters (RFC 9651, formerly RFC 8941).

Rule: serialisation only; what cannot be written as required raises, what is merely unfit for a header is removed first
by whoever calls.
"""

from __future__ import annotations

_LARGEST = 999_999_999_999_999


def sf_string(text: str) -> str:
    """A String. Raises ValueError outside printable ASCII (RFC 9651 4.1.6)."""
    if not (text.isascii() and (text.isprintable() or not text)):
        raise ValueError("not a structured field string")
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def sf_integer(number: int) -> str:
    """An Integer of at most 15 digits. Raises ValueError beyond (RFC 9651 4.1.4)."""
    if not -_LARGEST <= number <= _LARGEST:
        raise ValueError("not a structured field integer")
    return str(number)


def sf_item(text: str, **params: int) -> str:
    """A String item with Integer parameters, in the order given."""
    return sf_string(text) + "".join(f";{name}={sf_integer(value)}" for name, value in params.items())
