"""base64url and JSON, read strictly."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.schemes.jws_encoding import decode_base64url, decode_object, encode_base64url


@pytest.mark.parametrize(
    "text",
    [b"QQ==", b"QQ=", b"Q", b"QUJDR", b"Q+", b"Q/", b"Q Q", b"QQ\n", b"Q?", b"\xff\xfe", b"QUI=", b"=", b"QUJD="],
)
def test_what_is_not_base64url_is_refused(text: bytes) -> None:
    assert decode_base64url(text) is None


def test_stray_trailing_bits_are_refused_for_each_last_character() -> None:
    alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for stem in (b"A", b"AA"):
        good = [end for end in alphabet if decode_base64url(stem + bytes([end])) is not None]
        assert len(good) == (4 if len(stem) == 1 else 16)
        for end in good:
            assert encode_base64url(decode_base64url(stem + bytes([end])) or b"") == stem + bytes([end])


@given(st.binary(max_size=300))
def test_every_value_has_exactly_one_spelling_and_comes_back(data: bytes) -> None:
    assert decode_base64url(encode_base64url(data)) == data


@given(st.text(alphabet="ABwxgQZ019-_+/= .\n", max_size=12))
def test_what_is_accepted_is_what_would_be_written(text: str) -> None:
    decoded = decode_base64url(text.encode())
    assert decoded is None or encode_base64url(decoded) == text.encode()


@pytest.mark.parametrize(
    "text",
    [
        b'{"a":1,"a":2}',
        b'{"a":1,"a":1}',
        b'{"a" :1,"a":2}',
        b'{"a"\n:1,"a"\t:2}',
        b'{"a":1,"\\u0061":2}',
        b'{"x":{"a":1,"a":2}}',
        b'{"x":[{"a":1},{"a":1,"a":2}]}',
        b'{"x":[[{"a":1,"a":2}]]}',
        b'{"u":":","a":1,"a":2}',
        b'{"u":"\\":","a":1,"a":2}',
        b'{"u":"\\\\","a":1,"a":2}',
        b'{"":1,"":2}',
    ],
)
def test_a_name_that_occurs_twice_is_refused_however_it_is_spelt(text: bytes) -> None:
    assert decode_object(text) is None


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"null",
        b"[1,2]",
        b'"a"',
        b"{",
        b'{"a":1}x',
        b'{"a":1,}',
        b"{'a':1}",
        b'{"a":NaN}',
        b'{"a":1e999}',
        b'{"a":01}',
        b'{"a":"\xff"}',
        b'{"a":"\\ud800"}',
        b"\xef\xbb\xbf{}",
        b'{"a":"\x01"}',
        b"\xff\xfe",
        b'{"a":' + b"[" * 4000 + b"]" * 4000 + b"}",
        b'{"a":' * 1500 + b"1" + b"}" * 1500,
        b'{"a":' + b"9" * 5000 + b"}",
    ],
)
def test_what_is_no_object_is_refused_and_never_raises(text: bytes) -> None:
    assert decode_object(text) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(alphabet='ab":\\ \n\t{}[],', max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(alphabet='ab":\\ ', max_size=4), inner),
    max_leaves=12,
)


@given(st.dictionaries(st.text(alphabet='ab":\\ ', max_size=4), JSON), st.sampled_from([None, 1]), st.booleans())
def test_an_object_without_repeated_names_is_never_refused(found: dict, indent: int | None, loose: bool) -> None:
    text = json.dumps(found, indent=indent, separators=(" , ", " : ") if loose else (",", ":"))
    assert decode_object(text.encode()) == found


@given(
    st.lists(st.tuples(st.sampled_from(['"a"', '"b"', '"\\u0061"', '":"', '"\\":"']), st.sampled_from(["", " ", "\n"])))
)
def test_repeated_names_are_found_as_the_slow_reader_finds_them(pairs: list[tuple[str, str]]) -> None:
    text = "{" + ",".join(f'{name}{blank}:"{":" if blank else ""}"' for name, blank in pairs) + "}"
    names = [json.loads(name) for name, _ in pairs]
    assert (decode_object(text.encode()) is None) == (len(set(names)) != len(names))
