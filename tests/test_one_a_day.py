from tests.one_a_day import left_out

CASES = {
    "a.py::test_v[one]": "x",
    "a.py::test_v[two]": "x",
    "a.py::test_w": "x",
    "a.py::test_y": "y",
    "b.py::test_z": "y",
}


def test_left_out_keeps_one_of_each_kind_and_all_have_their_day() -> None:
    kept = [CASES.keys() - left_out(CASES, day) for day in range(700_000, 700_006)]
    assert all(sorted(CASES[case] for case in day) == ["x", "y"] for day in kept)
    assert set.union(*kept[:3]) == set(CASES)


def test_left_out_of_a_case_asked_for_by_itself_is_nothing() -> None:
    assert not left_out({"a.py::test_v[two]": "x"}, 700_001)
