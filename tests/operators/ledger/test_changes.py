"""occurrences, compare and settle, night after night, against a model of plain dictionaries."""

from typing import Any

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from operators.core import columns, schema
from operators.ledger.compare import UNREAD, Changes, compare
from operators.ledger.settle import settle, texts
from operators.ledger.states import REJECTED, REPEATED, State
from tests.operators.ledger import model
from tests.operators.ledger.model import Address, Known, Ledger, Night, Place
from tests.operators.ledger.rows import (
    as_frame,
    as_rows,
    digest,
    ledger_row,
    placed_frame,
    states_frame,
    text_of,
    unhurried,
)

INPUTS = (2**64 - 1, 3, 7)
_LINES = st.integers(1, 4)
_DOCUMENTS = st.dictionaries(_LINES, st.tuples(st.integers(0, 4), st.integers(0, 3)), max_size=4)


def part_of(address: Address) -> str:
    return f"p{INPUTS.index(address[0])}{address[1] % 2}"


@st.composite
def nights(draw: st.DrawFn, known: set[int]) -> Night:
    """A night of inputs in any order; one that the ledger does not know is read."""
    listed = [one for one in draw(st.permutations(INPUTS)) if draw(st.integers(0, 5))]
    states, fresh = [], {}
    for one in listed:
        state = draw(st.sampled_from(State)) if one in known else State.READ
        states.append((one, state))
        if state != State.KEPT:
            fresh.update({(one, line): document for line, document in draw(_DOCUMENTS).items()})
    return Night(states, fresh)


def fresh_frame(night: Night) -> pl.DataFrame:
    rows = [
        {**ledger_row(key, content, address, ("", 0, 0)), columns.PART: part_of(address)}
        for address, (key, content) in night.fresh.items()
    ]
    return as_frame(rows, schema.KEYS)


def ledger_frame(ledger: Ledger) -> pl.DataFrame:
    found = [ledger_row(key, known.content, address, known.place) for (key, address), known in ledger.items()]
    return as_frame(found, schema.LEDGER_KEYS)


def check(changes: Changes, expected: model.Outcome, night: Night, contents: dict[int, int]) -> None:
    found = (changes.added, changes.updated, changes.deleted, changes.unchanged)
    sets = (expected.added, expected.updated, expected.deleted, expected.unchanged)
    assert found == tuple(map(len, sets))
    wanted = [
        (
            digest(text_of(contents[key])),
            digest(key),
            *address,
            part_of(address) if model.is_fresh(night, key, address) else f"{UNREAD}{address[0]}",
        )
        for key, address in expected.wanted.items()
    ]
    assert as_rows(changes.wanted) == sorted(wanted)
    assert changes.wanted[columns.TEXT_HASH].is_sorted()
    assert changes.gone.rows() == expected.gone
    assert as_rows(changes.repeated) == sorted((part_of(address), *address) for address in expected.repeated)


@unhurried
@given(st.data())
def test_nights_of_any_inputs_change_what_a_dictionary_says_and_settle_to_its_ledger(data: st.DataObject) -> None:
    ledger: Ledger = {}
    for number in range(data.draw(st.integers(1, 4), "nights")):
        night = data.draw(nights({address[0] for _, address in ledger}))
        before, fresh, states = ledger_frame(ledger), fresh_frame(night), states_frame(night.states)
        expected = model.compare(ledger, night)
        contents = {key: model.content_at(ledger, night, key, at) for key, at in expected.wanted.items()}
        check(compare(before, fresh, states), expected, night, contents)
        placed = data.draw(_placed(number, expected), "placed")
        ledger = model.settle(ledger, night, placed)
        settled = settle(before, fresh, states, placed_frame(placed))
        assert as_rows(settled) == as_rows(ledger_frame(ledger))
        check_texts(settled, ledger, placed)
        check_next_night(settled, night, ledger)


def _placed(number: int, expected: model.Outcome) -> st.SearchStrategy[dict[int, Place]]:
    """Most of what was wanted was written, the rest was rejected; and compaction moved some that did not change."""
    keys = sorted(expected.wanted.keys() | expected.unchanged)
    places = {key: st.tuples(st.just(f"n{number}"), st.just(10 * key), st.integers(1, 3)) for key in keys}
    return st.fixed_dictionaries({}, optional=places)


def check_texts(settled: pl.DataFrame, ledger: Ledger, placed: dict[int, Place]) -> None:
    """Every text that was written is found once, at the place of one of its documents."""
    places: dict[bytes, set[Place]] = {}
    for (key, _), known in ledger.items():
        if known.place[2] > 0 and key in placed:
            places.setdefault(digest(text_of(known.content)), set()).add(known.place)
    found = texts(settled, placed_frame(placed))
    assert found[columns.TEXT_HASH].to_list() == sorted(places)
    assert all(place in places[text] for text, *place_ in found.rows() for place in [tuple(place_)])


def check_next_night(settled: pl.DataFrame, night: Night, ledger: Ledger) -> None:
    """Nothing new: nothing changes, what was rejected is not tried again, and the ledger stays as it is."""
    kept = states_frame([(one, State.KEPT) for one, _ in night.states])
    nothing = fresh_frame(Night([], {}))
    changes = compare(settled, nothing, kept)
    assert (changes.added, changes.updated, changes.deleted) == (0, 0, 0)
    assert changes.unchanged == sum(known.place[2] > 0 for known in ledger.values())
    assert [frame.height for frame in (changes.wanted, changes.gone, changes.repeated)] == [0, 0, 0]
    assert settle(settled, nothing, kept, placed_frame({})).equals(settled)


@unhurried
@given(st.data())
def test_night_that_reads_everything_again_wants_only_what_was_rejected(data: st.DataObject) -> None:
    night = data.draw(nights(set()))
    expected = model.compare({}, night)
    ledger = model.settle({}, night, data.draw(_placed(0, expected)))
    changes = compare(ledger_frame(ledger), fresh_frame(night), states_frame(night.states))
    rejected = {digest(key) for (key, _), known in ledger.items() if known.place[2] == REJECTED}
    assert (changes.updated, changes.deleted, changes.gone.height) == (0, 0, 0)
    assert set(changes.wanted[columns.KEY]) == rejected


def one_night(ledger: Ledger, night: Night) -> Changes:
    return compare(ledger_frame(ledger), fresh_frame(night), states_frame(night.states))


A, B = INPUTS[:2]
HELD = {(1, (A, 1)): Known(0, ("old", 5, 2)), (1, (B, 1)): Known(2, ("", 0, REPEATED))}


def test_compare_id_whose_first_address_is_gone_is_taken_from_an_input_that_was_not_read() -> None:
    changes = one_night(HELD, Night([(B, State.KEPT)], {}))
    assert (changes.updated, changes.gone.rows()) == (1, [("old", 5, 2)])
    [wanted] = changes.wanted.to_dicts()
    assert (wanted[columns.PART], wanted[columns.LINE]) == (f"{UNREAD}{B}", 1)


def test_compare_second_address_that_a_broken_input_lost_is_not_asked_for() -> None:
    """Nobody could read it: the run would end with a document that is not found again."""
    changes = one_night(HELD, Night([(A, State.READ), (B, State.PARTLY)], {}))
    assert (changes.updated, changes.deleted, changes.wanted.height) == (0, 1, 0)


def test_compare_broken_input_deletes_nothing_of_what_it_lost_and_adds_what_it_gave() -> None:
    changes = one_night(HELD, Night([(A, State.PARTLY), (B, State.KEPT)], {(A, 9): (2, 0)}))
    assert (changes.added, changes.updated, changes.deleted, changes.unchanged) == (1, 0, 0, 1)


def test_compare_rejected_document_is_tried_again_once_its_input_was_read() -> None:
    ledger = {(1, (A, 1)): Known(0, ("", 0, REJECTED))}
    fresh: dict[Address, Any] = {(A, 1): (1, 0)}
    assert one_night(ledger, Night([(A, State.KEPT)], {})).wanted.is_empty()
    assert one_night(ledger, Night([(A, State.READ)], fresh)).wanted.height == 1
