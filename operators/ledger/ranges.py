"""Equal ranges of the space of hashes: a power of two of them, so that a coarser range holds finer ones whole."""

from dataclasses import dataclass

#: Documents of a range, at most, about: comparing two tables of a million takes 0.9 GB at its peak.
KEYS = 1 << 19
#: Ranges are told apart by 16 bits.
PREFIX_BITS = 16


@dataclass(frozen=True)
class Range:
    """The `bucket`-th of 2^`bits` ranges."""

    bits: int
    bucket: int

    @property
    def first(self) -> int:
        """The smallest prefix of 16 bits in the range."""
        return self.bucket << (PREFIX_BITS - self.bits)

    @property
    def last(self) -> int:
        """The largest prefix of 16 bits in the range."""
        return ((self.bucket + 1) << (PREFIX_BITS - self.bits)) - 1

    def overlaps(self, bits: int, bucket: int) -> bool:
        """Whether a range of as many bits or fewer holds this one."""
        return bits <= self.bits and self.bucket >> (self.bits - bits) == bucket


def ranges(keys: int, at_least: int = 0) -> list[Range]:
    """Ranges for so many keys; of `at_least` bits, as the ledger's files are never put together again."""
    bits = at_least
    while bits < PREFIX_BITS and keys > KEYS << bits:
        bits += 1
    return all_ranges(bits)


def all_ranges(bits: int) -> list[Range]:
    """Every range of so many bits, in order."""
    return [Range(bits, bucket) for bucket in range(1 << bits)]
