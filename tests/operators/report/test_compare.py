from operators.report.compare import compare_figures, compare_settings
from tests.operators.publish.by_hand import memory_store, publish_snapshot


def test_compare_settings_names_what_differs_by_its_path() -> None:
    before = {"index": {"flat_rows": 10, "memory": None}, "source": {"uri": ["a"]}, "gone": 1}
    now = {"index": {"flat_rows": 20, "memory": None}, "source": {"uri": ["a", "b"]}, "new": "x"}
    found = [(each.path, each.before, each.now) for each in compare_settings(now, before)]
    assert found == [
        ("index.flat_rows", "10", "20"),
        ("source.uri", '["a"]', '["a", "b"]'),
        ("new", None, '"x"'),
        ("gone", "1", None),
    ]
    assert compare_settings(now, now) == ()
    assert compare_settings(now, None) == ()


def test_compare_figures_puts_both_snapshots_side_by_side() -> None:
    store = memory_store()
    before, now = publish_snapshot(store, ["a"]), publish_snapshot(store, ["a", "bb"])
    found = {(each.metric, each.labels): (each.before, each.now) for each in compare_figures(now, before)}
    assert found["snapshot_documents", ()] == (10, 20)
    sizes = [sum(part.documents.bytes for part in each.parts) for each in (before, now)]
    assert found["snapshot_bytes", ("documents",)] == tuple(sizes)
    assert found["snapshot_dimensions", ("dense",)] == (4, 4)


def test_compare_figures_tells_what_one_side_lacks() -> None:
    store = memory_store()
    before, now = publish_snapshot(store, ["a"]), publish_snapshot(store, ["b"])
    renamed = now.model_copy(update={"encoders": {"other": now.encoders["dense"]}})
    found = {
        each.labels: (each.before, each.now) for each in compare_figures(renamed, before) if each.unit == "dimensions"
    }
    assert found == {("other",): (None, 4), ("dense",): (4, None)}
    assert {each.before for each in compare_figures(now, None)} == {None}
