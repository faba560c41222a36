"""The benchmark's own arithmetic: medians of rounds, ratios round by round, padding, the table."""

from dataclasses import replace

import numpy as np
import pytest
from flops import Shape
from report import Facts, all_figures, histogram, table, through_ray
from rounds import Answer, Bench, Measured, alternate
from sides import DEFAULT, Side, engine

SHAPE = Shape(width=8, feed_forward=16, gated=False, windows=(None,), vocabulary=0)
FACTS = Facts(np.array([10, 30, 60]), SHAPE, {"float32": 1e6}, sparse=False, reference=None)


def measured(name, *seconds, **facts):
    side = replace(engine("float32"), name=name)
    answers = [Answer({"seconds": each, "load": 1.0, "rss": 2**30, **facts}) for each in seconds]
    return Measured(side, answers)


def test_figures_take_medians_and_ratios_round_by_round():
    """Ratios 2, 2 and 10: the second round was slow for both sides, and the medians' own ratio would say 4."""
    base, ours = measured(DEFAULT, 4, 40, 10), measured("ours", 2, 20, 1, computed_tokens=125)
    first, second = all_figures([base, ours], FACTS)
    assert first["times_as_fast"] == 1
    assert second["times_as_fast"] == 2
    assert second["documents_per_second"] == 3 / 2
    assert second["tokens_per_second"] == 100 / 2
    assert second["padding"] == pytest.approx(0.2)
    assert second["mfu"] == pytest.approx(SHAPE.flops(FACTS.lengths) / 2 / 1e6)
    assert "padding" not in first


def test_figures_without_the_base_have_no_ratio():
    (row,) = all_figures([measured("ours", 2)], FACTS)
    assert "times_as_fast" not in row
    assert "| - |" in list(table([row]))[2]


def test_through_ray_is_seconds_over_those_of_the_engine_alone():
    ours = measured("millrace bfloat16", 10, 20)
    ways = [measured("millrace bfloat16 bare ray", 12, 28), measured("millrace bfloat16 ray", 11, 22)]
    assert list(through_ray([ours, *ways, measured("st", 1)])) == [
        "millrace bfloat16 bare ray: 1.300 times the seconds of the engine alone",
        "millrace bfloat16 ray: 1.100 times the seconds of the engine alone",
    ]
    assert not list(through_ray([ours, measured("st ray", 1)]))


def test_table_has_as_many_cells_in_every_line():
    lines = list(table(all_figures([measured(DEFAULT, 4), measured("ours", 2)], FACTS)))
    assert len(lines) == 4
    assert len({line.count("|") for line in lines}) == 1


def test_histogram_counts_every_text_once():
    lines = list(histogram(np.array([0, 1, 15, 16, 8192, 100_000])))
    assert sum(int(line.split()[3]) for line in lines) == 6
    assert [line.split()[0] for line in lines] == ["0", "1", "16", "8192"]


@pytest.fixture
def bench(tmp_path):
    """Sides are scripts that answer what their request tells them to, and note that they ran."""
    texts = tmp_path / "texts.json"
    texts.write_text("[]")
    (tmp_path / "side.py").write_text(
        "import json, pathlib, sys\n"
        "request = json.load(sys.stdin)\n"
        "open(request['log'], 'a').write(request['name'])\n"
        "if request['name'] == 'x': raise SystemExit('no such thing')\n"
        "(pathlib.Path(request['folder']) / 'answer.json').write_text(json.dumps({'seconds': request['parity']}))\n"
    )
    return Bench(tmp_path, texts, {"log": str(tmp_path / "log"), "spec": {}})


def side(bench, name):
    return Side(name, str(bench.folder / "side.py"), {"name": name})


def test_alternate_runs_sides_forwards_and_backwards_and_leaves_a_failed_one_out(bench, capsys):
    found = alternate(bench, [side(bench, name) for name in "axb"], rounds=3, parity=5)
    assert (bench.folder / "log").read_text() == "axb" + "ba" + "ab"
    assert [(each.side.name, [answer.seconds for answer in each.answers]) for each in found] == [
        ("a", [5, 0, 0]),
        ("b", [5, 0, 0]),
    ]
    assert "x failed and is left out: no such thing" in capsys.readouterr().err


def test_request_keeps_what_all_sides_have_in_common(bench):
    asked = replace(bench, common={"spec": {"kind": "dense", "precision": "float32"}, "log": bench.common["log"]})
    script = bench.folder / "echo.py"
    script.write_text(
        "import json, pathlib, sys\n"
        "request = json.load(sys.stdin)\n"
        "(pathlib.Path(request['folder']) / 'answer.json').write_text(json.dumps(request['spec']))\n"
    )
    answer = asked.run(Side("echo", str(script), {"spec": {"precision": "bfloat16"}}))
    assert answer.facts == {"kind": "dense", "precision": "bfloat16"}
