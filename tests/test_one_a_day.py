from tests.one_a_day import left_out

CASES = ["a.py::test_x[one]", "a.py::test_x[two]", "a.py::test_x[three]", "a.py::test_y[one]", "a.py::test_y[two]"]


def test_left_out_keeps_one_case_of_each_test_and_every_case_has_its_day() -> None:
    kept = [set(CASES) - left_out(CASES, day) for day in range(700_000, 700_006)]
    assert all(sorted(case.partition("[")[0][-1] for case in day) == ["x", "y"] for day in kept)
    assert set.union(*kept[:3]) == set(CASES)


def test_left_out_of_a_case_asked_for_by_itself_is_nothing() -> None:
    assert not left_out(["a.py::test_x[two]"], 700_001)
