"""Which documents may be found, by the metadata fields that the recipe kept."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from operators.core.errors import UsageError

#: Metadata fields, each with the value or the values that a document may have in it.
Where = Mapping[str, str | Collection[str]]


@dataclass(frozen=True)
class Filter:
    """Documents that have, in every one of the fields, one of its values; without fields, all documents."""

    fields: tuple[tuple[str, frozenset[str]], ...] = ()


def filter_of(where: Where) -> Filter:
    """The filter that a mapping means; raises `UsageError` for values that no document can have."""
    fields = []
    for field in sorted(where):
        given = where[field]
        values = (given,) if isinstance(given, str) else given
        if not isinstance(values, Collection) or not values or not all(isinstance(value, str) for value in values):
            raise UsageError(f"where {field}: expected text or several, as metadata are kept as text, got {given!r}")
        fields.append((field, frozenset(values)))
    return Filter(tuple(fields))


def parse_where(words: Sequence[str]) -> dict[str, list[str]]:
    """`field=value` words as a mapping, a field given again with both values; raises `UsageError` for other words."""
    where: dict[str, list[str]] = {}
    for word in words:
        field, equals, value = word.partition("=")
        if not equals or not field:
            raise UsageError(f"--where {word!r}: expected field=value, such as lang=ko")
        where.setdefault(field, []).append(value)
    return where
