"""Batches side by side: all of them, in order, each on one core, and none of it felt outside."""

import threading

import pytest
import torch

from operators.encode.crew import Crew


def test_crew_computes_batches_at_the_same_time_and_gives_them_in_order() -> None:
    both = threading.Barrier(2, timeout=20)

    def work(number: int) -> tuple[int, int]:
        both.wait()  # breaks, and raises, where only one batch is worked on
        return number, threading.get_ident()

    found = list(Crew(2).each(work, range(8)))
    assert [number for number, _ in found] == list(range(8))
    assert len({thread for _, thread in found}) == 2
    assert threading.get_ident() not in {thread for _, thread in found}


def test_crew_uses_one_core_a_thread_and_leaves_other_threads_theirs() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        found = set(Crew(3).each(lambda _: torch.get_num_threads(), range(12)))
        assert (found, torch.get_num_threads()) == ({1}, 2)
    finally:
        torch.set_num_threads(before)


def test_crew_raises_the_first_error_and_starts_no_more_than_it_holds() -> None:
    """What runs beside it comes to its end; what nobody began is not begun."""
    begun: list[int] = []
    stopped = threading.Event()

    def work(number: int) -> int:
        begun.append(number)
        if number == 1:
            raise ValueError("batch 1")
        if number > 1:
            stopped.wait(20)
        return number

    crew = Crew(2)
    with pytest.raises(ValueError, match="batch 1"):
        list(crew.each(work, range(100)))
    stopped.set()
    assert list(crew.each(lambda number: -number, range(2))) == [0, -1]
    assert len(begun) <= 5
