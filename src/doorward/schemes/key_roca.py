"""ROCA: moduli made by one faulty library, whose private key can be computed from the public one (CVE-2017-15361).

Rule: this file knows a number and nothing else.
"""

from __future__ import annotations

from functools import cache
from typing import Final

_GENERATOR: Final = 65537
_PRIMES: Final = (
    *(3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73),
    *(79, 83, 89, 97, 101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167),
)


def is_roca(modulus: int) -> bool:
    """Tell whether an RSA modulus carries the fingerprint of the faulty library.

    modulus: positive.
    Returns: True when its remainder by each of 38 small primes is a power of 65537, which happens to a sound modulus
    about once in 2^27. Never raises. Source: Nemec et al., "The Return of Coppersmith's Attack", section 2.3.
    """
    return all(modulus % prime in _powers(prime) for prime in _PRIMES)


@cache
def _powers(prime: int) -> frozenset[int]:
    return frozenset(pow(_GENERATOR, exponent, prime) for exponent in range(prime - 1))
