"""Good bytes, damaged in the ways that break parsers."""

import json
from typing import Any

from hypothesis import strategies as st

#: What sizes, offsets, names and nesting go wrong at.
_TOKENS = (
    b"", b"\x00", b"\xff" * 8, b"\x7f\xff\xff\xff", b"\x80\x00\x00\x00", b"\xef\xbb\xbf", b"[" * 1200, b'{"a":' * 1200,
    b"(" * 300, b"9" * 5000, b"1e999", b"-1", b"NaN", b"null", b"true", b'"', b"\\", b"../", b"\xed\xa0\x80", b"\r\n",
    b"&a [*a]", b"!!python/object:os.system", b"<<: *x", b"? [a]: b", b"2020-99-99", b"'descr': '|O'", b"PAR1", b"\xff" * 64,
)  # fmt: skip
_SCALARS = st.sampled_from(
    [
        None,
        True,
        False,
        0,
        -1,
        1 << 63,
        1 << 128,
        1e308,
        -0.0,
        "",
        "..",
        "/etc/passwd",
        "a" * 5000,
        "\x00",
        "\ud800",
        [],
        {},
    ]
)


@st.composite
def damaged(draw: st.DrawFn, good: bytes) -> bytes:
    """Up to four edits: bytes turned over, replaced, cut out, doubled or put in; or nothing like the good bytes."""
    if draw(st.integers(0, 19)) == 0:
        return draw(st.binary(max_size=200))
    data = bytearray(good)
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        length = draw(st.sampled_from([0, 1, 2, 4, 8, 40, len(data)]))
        piece = bytes(data[start : start + length])
        new = draw(st.sampled_from([*_TOKENS, piece * 2, piece[::-1], bytes(byte ^ 0x80 for byte in piece)]))
        data[start : start + length] = new
    return bytes(data)


@st.composite
def altered(draw: st.DrawFn, good: Any) -> bytes:
    """JSON in which some values became others: well formed, and of the wrong shape."""
    value = json.loads(json.dumps(good))
    for _ in range(draw(st.integers(1, 3))):
        value = _alter(draw, value)
    return json.dumps(value).encode("utf-8", "surrogatepass")


def _alter(draw: st.DrawFn, value: Any) -> Any:
    if isinstance(value, (dict, list)) and value and draw(st.integers(0, 5)):
        place = draw(st.sampled_from(sorted(value) if isinstance(value, dict) else range(len(value))))
        if draw(st.integers(0, 9)) == 0:
            del value[place]
        elif isinstance(value, dict) and draw(st.integers(0, 9)) == 0:
            value[draw(st.sampled_from(["", "more", "../x", "a" * 300, "\x00", "__class__"]))] = value.pop(place)
        else:
            value[place] = _alter(draw, value[place])
        return value
    return draw(_SCALARS)
