"""Which inputs are read tonight, and what the next snapshot keeps of them."""

import polars as pl
import pyarrow as pa
import pytest

from operators.core import columns, schema
from operators.core.receipts import InputCount
from operators.ledger.inputs import KnownInput, PlannedInputs, count_inputs, known_inputs, plan_inputs
from operators.ledger.states import State


def known(number: int, version: str = "v1", **more: object) -> KnownInput:
    name = f"{number}.jsonl"
    return KnownInput(input=2**64 - number, path=f"/corpus/{name}", name=name, bytes=10, token=version, **more)


A, B, C = known(1, documents=5, rejected=2), known(2, documents=7), known(3)


def plan(
    listed: list[KnownInput], before: list[KnownInput], *, whole: bool = True, reread: bool = False
) -> PlannedInputs:
    return plan_inputs([one.model_copy(update={"documents": 0, "rejected": 0}) for one in listed], before,
                       whole=whole, reread=reread)  # fmt: skip


def read(planned: PlannedInputs) -> list[str]:
    return [each.name for each in planned.inputs if each.input in planned.read]


def states(planned: PlannedInputs, counts: dict[int, InputCount] | None = None) -> list[tuple[int, int, int]]:
    return planned.states(counts or {}).rows()


def test_plan_inputs_of_a_first_run_reads_all_in_the_order_listed() -> None:
    planned = plan([B, A], [])
    assert [each.name for each in planned.inputs] == ["2.jsonl", "1.jsonl"]
    assert read(planned) == ["2.jsonl", "1.jsonl"]


@pytest.mark.parametrize(
    "changed", [known(2, "v2"), known(2).model_copy(update={"bytes": 11})], ids=["version", "size"]
)
def test_plan_inputs_reads_new_and_changed_and_keeps_the_counts_of_the_others(changed: KnownInput) -> None:
    planned = plan([A, changed, C], [A, B])
    assert read(planned) == ["2.jsonl", "3.jsonl"]
    assert planned.inputs[0] == A
    assert (planned.inputs[1].token, planned.inputs[1].documents) == (changed.token, 0)


def test_plan_inputs_that_are_no_longer_listed_are_gone_where_the_listing_is_whole() -> None:
    assert [each.name for each in plan([A], [A, B]).inputs] == ["1.jsonl"]


def test_plan_inputs_that_a_listing_with_gaps_lacks_are_kept_last_and_not_read() -> None:
    planned = plan([B, C], [A, B], whole=False)
    assert [each.name for each in planned.inputs] == ["2.jsonl", "3.jsonl", "1.jsonl"]
    assert read(planned) == ["3.jsonl"]
    assert planned.inputs[2] == A


def test_plan_inputs_reread_reads_all_even_those_that_a_listing_with_gaps_lacks() -> None:
    assert read(plan([B, C], [A, B], whole=False, reread=True)) == ["2.jsonl", "3.jsonl", "1.jsonl"]
    assert read(plan([B], [A, B], reread=True)) == ["2.jsonl"]


def test_plan_inputs_that_were_not_read_to_their_end_are_read_again() -> None:
    broken = A.model_copy(update={"complete": False})
    assert read(plan([A, B], [broken, B])) == ["1.jsonl"]


def test_plan_inputs_not_read_to_their_end_wait_for_a_whole_listing_and_stay_marked() -> None:
    """Read again under the same gaps they could delete nothing either, night after night."""
    broken = A.model_copy(update={"complete": False})
    planned = plan([A, B], [broken, B], whole=False)
    assert read(planned) == []
    assert planned.inputs[0] == broken


def test_states_are_kept_or_read_and_partly_where_the_end_was_not_reached() -> None:
    planned = plan([A, known(2, "v2"), C], [A, B])
    counts = {B.input: InputCount(documents=1, complete=False), C.input: InputCount(documents=1)}
    assert states(planned, counts) == [
        (A.input, 0, State.KEPT),
        (B.input, 1, State.PARTLY),
        (C.input, 2, State.READ),
    ]


def test_states_of_a_listing_with_gaps_forget_nothing() -> None:
    planned = plan([known(2, "v2"), C], [A, B], whole=False)
    found = [state for *_, state in states(planned, {B.input: InputCount(documents=1)})]
    assert found == [State.PARTLY, State.PARTLY, State.KEPT]


def test_states_of_no_inputs_have_the_types_that_are_joined() -> None:
    kinds = {columns.INPUT: pl.UInt64, columns.ORDINAL: pl.Int64, columns.STATE: pl.Int64}
    assert plan([], []).states({}).schema == kinds
    assert plan([A], []).states({}).schema == kinds


def test_counted_inputs_come_back_as_they_were_with_what_was_found_in_those_read() -> None:
    planned = plan([A, known(2, "v2")], [A, B])
    table = planned.counted({B.input: InputCount(documents=3, rejected=1, complete=False)})
    assert table.schema == schema.INPUTS
    expected = known(2, "v2", documents=3, rejected=1, complete=False)
    assert known_inputs(table) == (A, expected)


def test_counted_inputs_of_a_listing_with_gaps_are_to_be_read_again() -> None:
    """What they no longer hold could not be deleted."""
    planned = plan([A, known(2, "v2")], [A, B], whole=False)
    found = known_inputs(planned.counted({B.input: InputCount(documents=3)}))
    assert [each.complete for each in found] == [True, False]
    assert read(plan([A, known(2, "v2")], list(found))) == ["2.jsonl"]


def test_counted_inputs_show_no_password_and_no_other_change_of_a_path() -> None:
    secret = A.model_copy(update={"path": "s3://user:hidden@bucket/a.jsonl?token=hidden"})
    local = B.model_copy(update={"path": "/odd@name?x.jsonl"})
    paths = plan([secret, local], []).counted({})["path"].to_pylist()
    assert paths == ["s3://bucket/a.jsonl", "/odd@name?x.jsonl"]


def test_count_inputs_adds_up_the_parts_of_an_input_and_is_complete_only_where_all_are() -> None:
    first = {1: InputCount(documents=3, rejected=1), 2: InputCount(documents=1)}
    second = {1: InputCount(documents=4, complete=False)}
    third = {1: InputCount(rejected=2)}
    assert count_inputs([first, second, third]) == {
        1: InputCount(documents=7, rejected=3, complete=False),
        2: InputCount(documents=1),
    }
    assert count_inputs([]) == {}


def test_known_inputs_of_a_table_keep_ids_above_the_signed_range() -> None:
    table = pa.Table.from_pylist([A.model_dump()], schema=schema.INPUTS)
    assert known_inputs(table)[0].input == 2**64 - 1


def test_version_names_every_input_and_gaps() -> None:
    one, other = (KnownInput(input=n, path=f"/{n}", name=str(n), bytes=n, token="t") for n in (1, 2))

    def version(*inputs: KnownInput, gaps: bool = False) -> str:
        return PlannedInputs(inputs, frozenset(), whole=True).version(gaps=gaps)

    changed = other.model_copy(update={"token": "u"})
    versions = {version(one), version(one, other), version(one, changed), version(one, other, gaps=True)}
    assert len(versions) == 4
    counted = one.model_copy(update={"documents": 7, "rejected": 1})
    assert version(counted, other) == version(one, other)


def test_plan_inputs_that_a_listing_with_gaps_lacks_keep_their_place_in_an_order() -> None:
    """Else an id in two files would stand for the other one's document for a night, and be encoded twice."""
    found = plan_inputs([B, C], [A, B, C], whole=False, reread=False, order=lambda each: each.path)
    assert found.inputs == (A, B, C)
    assert found.read == frozenset()
