"""Which inputs of a source are read tonight: those that are new, changed, or could not be read to their end before."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl
import pyarrow as pa

from operators.core import columns, schema
from operators.core.fingerprint import fingerprint
from operators.core.receipts import InputCount
from operators.core.spec import Spec
from operators.core.storage import redact
from operators.ledger.states import State


class KnownInput(Spec):
    """One input: its id, its version, and once it was read what was found in it."""

    input: int
    path: str
    name: str
    bytes: int
    token: str
    documents: int = 0
    rejected: int = 0
    complete: bool = True

    @property
    def version(self) -> tuple[int, str]:
        """What changes where the input does."""
        return self.bytes, self.token


@dataclass(frozen=True)
class PlannedInputs:
    """All inputs in reading order, and which of them are read; `whole` is false where inputs may be missing."""

    inputs: tuple[KnownInput, ...]
    read: frozenset[int]
    whole: bool

    def version(self, *, gaps: bool) -> str:
        """Name of the versions of all inputs; with gaps in the listing another one, as then nothing is deleted."""
        versions = [[each.input, each.name, *each.version] for each in self.inputs]
        return fingerprint([*versions, "gaps"] if gaps else versions)

    def states(self, counts: Mapping[int, InputCount]) -> pl.DataFrame:
        """(input, ordinal, state) for `occurrences`, once those to be read were counted.

        Where inputs may be missing no document is taken to be deleted, not even from an input that was read.
        """
        states = [self._state(each.input, counts) for each in self.inputs]
        ids = [each.input for each in self.inputs]
        kinds = {columns.INPUT: pl.UInt64, columns.ORDINAL: pl.Int64, columns.STATE: pl.Int64}
        values = {columns.INPUT: ids, columns.ORDINAL: list(range(len(ids))), columns.STATE: states}
        return pl.DataFrame(values, schema=kinds)

    def counted(self, counts: Mapping[int, InputCount]) -> pa.Table:
        """The inputs (schema `INPUTS`) with what was found in them, for the next snapshot.

        What was read of a listing with gaps is not complete: documents that are gone from it are still there.
        """
        rows = [{**each.model_dump(), **self._found(each.input, counts), "path": _shown(each)} for each in self.inputs]
        return pa.Table.from_pylist(rows, schema=schema.INPUTS)

    def _found(self, input_id: int, counts: Mapping[int, InputCount]) -> dict[str, int | bool]:
        if input_id not in counts:
            return {}
        found = counts[input_id]
        return {**found.model_dump(), "complete": found.complete and self.whole}

    def _state(self, input_id: int, counts: Mapping[int, InputCount]) -> State:
        if input_id not in self.read:
            return State.KEPT
        return State.READ if self.whole and counts.get(input_id, InputCount()).complete else State.PARTLY


def plan_inputs(
    listed: Sequence[KnownInput],
    before: Sequence[KnownInput],
    *,
    whole: bool,
    reread: bool,
    order: Callable[[KnownInput], str] | None = None,
) -> PlannedInputs:
    """Compare the listing with the inputs of the snapshot before.

    Those that a listing with gaps (not `whole`) lacks are kept: in their place by `order`, or last where there is none.
    `reread` reads all there are, those that are not listed too. What was not read to its end, or under gaps, is read
    again once there are none.
    """
    known = {each.input: each for each in before}
    names = {each.input for each in listed}
    kept = [] if whole else [each for each in before if each.input not in names]
    unchanged = {each.input for each in listed if not reread and _is_unchanged(each, known.get(each.input), whole)}
    inputs = [_counted_before(each, known[each.input]) if each.input in unchanged else each for each in listed]
    read = names - unchanged | ({each.input for each in kept} if reread else set())
    ordered = sorted((*inputs, *kept), key=order) if order else (*inputs, *kept)
    return PlannedInputs(tuple(ordered), frozenset(read), whole)


def known_inputs(table: pa.Table) -> tuple[KnownInput, ...]:
    """The inputs in a table of schema `INPUTS`."""
    return tuple(KnownInput.model_validate(row) for row in table.to_pylist())


def count_inputs(counts: Iterable[Mapping[int, InputCount]]) -> dict[int, InputCount]:
    """What all parts found, by input."""
    total: dict[int, InputCount] = {}
    for found in counts:
        for name, count in found.items():
            before = total.get(name, InputCount())
            total[name] = InputCount(
                documents=before.documents + count.documents,
                rejected=before.rejected + count.rejected,
                complete=before.complete and count.complete,
            )
    return total


def _shown(each: KnownInput) -> str:
    """Readers of a snapshot need no password."""
    return redact(each.path) if "://" in each.path else each.path


def _counted_before(listed: KnownInput, before: KnownInput) -> KnownInput:
    return listed.model_copy(update=before.model_dump(include={"documents", "rejected", "complete"}))


def _is_unchanged(listed: KnownInput, before: KnownInput | None, whole: bool) -> bool:  # noqa: FBT001 - as in plan_inputs
    return before is not None and before.version == listed.version and (before.complete or not whole)
