import gzip

import pytest
import zstandard
from fsspec.implementations.local import LocalFileOpener
from hypothesis import given
from hypothesis import strategies as st

from operators.core.errors import SourceChangedError, StoreError
from operators.read import open as opening
from operators.read import source as access
from operators.read.open import open_blocks
from operators.read.source import UnreadableError, raw_blocks

CONTENT = b"".join(b"line %d of the content\n" % number for number in range(20_000))


def _opened(path):
    return open_blocks(str(path), path.stat().st_size)


def _good_part(path):
    """The content read before the error, and the error."""
    read = []
    with pytest.raises(UnreadableError) as caught:
        read.extend(_opened(path))
    return b"".join(read), str(caught.value)


def _compress(suffix, content):
    return gzip.compress(content) if suffix == ".gz" else zstandard.compress(content)


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_open_blocks_of_several_frames_gives_all_their_content(tmp_path, suffix):
    path = tmp_path / f"a.jsonl{suffix}"
    path.write_bytes(_compress(suffix, CONTENT) + _compress(suffix, b"") + _compress(suffix, b"end"))
    assert b"".join(_opened(path)) == CONTENT + b"end"


def test_open_blocks_of_gzip_padded_with_zeros_gives_its_content(tmp_path):
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(CONTENT) + bytes(10_000))
    assert b"".join(_opened(path)) == CONTENT


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
@pytest.mark.parametrize("share", [0.3, 0.9])
def test_open_blocks_of_a_truncated_file_gives_its_beginning_and_says_so(tmp_path, suffix, share):
    """zstandard's own stream reader ends a truncated frame without an error."""
    path = tmp_path / f"a{suffix}"
    whole = zstandard.ZstdCompressor(level=1).compress(CONTENT * 8) if suffix == ".zst" else gzip.compress(CONTENT)
    path.write_bytes(whole[: int(len(whole) * share)])
    good, error = _good_part(path)
    assert good
    assert (CONTENT * 8).startswith(good)
    assert "truncated" in error


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_open_blocks_of_a_file_that_is_not_compressed_is_unreadable(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(CONTENT)
    assert "corrupt" in _good_part(path)[1]


def test_open_blocks_of_a_zstd_bomb_never_holds_it_whole(tmp_path):
    path = tmp_path / "a.zst"
    path.write_bytes(zstandard.compress(bytes(400 << 20)))
    sizes = [len(block) for block in _opened(path)]
    assert sum(sizes) == 400 << 20
    assert max(sizes) <= 128 << 20


@given(content=st.binary(max_size=40), start=st.integers(0, 50), stop=st.integers(0, 50), block=st.integers(1, 9))
def test_raw_blocks_of_any_range_equal_the_slice_of_the_content(tmp_path_factory, content, start, stop, block):
    path = tmp_path_factory.getbasetemp() / "raw"
    path.write_bytes(content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(access, "_BLOCK", block)
        if stop <= len(content):
            assert b"".join(raw_blocks(str(path), start, stop)) == content[start:stop]
        elif start < stop:
            with pytest.raises(SourceChangedError, match="planned at least"):
                list(raw_blocks(str(path), start, stop))


def test_open_blocks_where_the_storage_fails_is_no_fault_of_the_file(tmp_path, monkeypatch):
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(CONTENT))

    def fail(self, size=-1):
        raise TimeoutError("no answer")

    monkeypatch.setattr(LocalFileOpener, "read", fail)
    with pytest.raises(StoreError, match=r"read .*a\.gz: TimeoutError: no answer"):
        list(_opened(path))


def test_is_compressed_goes_by_the_suffix():
    assert [opening.is_compressed(name) for name in ("a.gz", "a.jsonl.zst", "a.jsonl", "gz")] == [
        True,
        True,
        False,
        False,
    ]
