"""The exporter, on collections indexed without Ray: what Prometheus sees is what was published."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from operators.core import metrics
from operators.core.errors import UsageError
from operators.core.storage import open_store
from operators.observe.exporter import Exporter
from operators.observe.series import Series
from operators.publish.chain import read_manifest
from operators.publish.outcome import Outcome, add_outcome
from tests.pipelines.conftest import document, write_corpus
from tests.pipelines.inline import index_inline

T0 = datetime(2026, 1, 1, 3, tzinfo=UTC)


def seen(exporter: Exporter, name: str = "mill") -> Series:
    return Series(exporter.rows()[name])


@pytest.fixture
def published(tmp_path: Path) -> Path:
    write_corpus(tmp_path / "corpus" / "a.jsonl", [document(n) for n in range(30)] + [{"_id": "empty", "text": ""}])
    index_inline(tmp_path, "publish.max_reject_ratio=0.5")
    return tmp_path


def test_exporter_shows_the_newest_snapshot_as_its_manifest_says(published: Path) -> None:
    uri = str(published / "store" / "mill")
    exporter = Exporter([uri])
    assert exporter.look() == {"mill": None}
    series, manifest = seen(exporter), read_manifest(open_store(uri))
    assert series.value(metrics.UP) == 1
    assert series.value(metrics.SNAPSHOT_NUMBER) == 1
    assert series.value(metrics.SNAPSHOT_DOCUMENTS) == 30
    assert series.value(metrics.SNAPSHOT_CHANGES, "added") == 30
    assert series.value(metrics.SNAPSHOT_REJECTED, "empty_text") == 1
    assert series.value(metrics.SNAPSHOT_ROWS, "live") == series.value(metrics.SEGMENT_ROWS, "0", "live") == 30
    assert series.value(metrics.SNAPSHOT_PUBLISHED) == datetime.fromisoformat(manifest.created_at).timestamp()
    assert series.value(metrics.RECALL, "dense", "10") == 1
    assert series.value(metrics.DIMENSIONS, "sparse") == 64
    assert series.value(metrics.MEAN_ACTIVE_DIMS, "sparse", "document") == pytest.approx(
        sum(part.totals["sparse"].active_dims for part in manifest.parts) / 30
    )
    named = sum(row.value for row in series.rows() if row.metric == metrics.SNAPSHOT_BYTES.name)
    on_disk = sum((Path(uri) / file.key).stat().st_size for file in manifest.files())
    assert named == on_disk


def test_exporter_sees_the_next_night_and_dead_rows(published: Path) -> None:
    exporter = Exporter([str(published / "store" / "mill")])
    exporter.look()
    write_corpus(published / "corpus" / "a.jsonl", [document(n) for n in range(2, 30)])
    index_inline(published)
    exporter.look()
    series = seen(exporter)
    assert series.value(metrics.SNAPSHOT_NUMBER) == 2
    assert series.value(metrics.SNAPSHOT_CHANGES, "deleted") == 2
    assert (series.value(metrics.SNAPSHOT_ROWS, "live"), series.value(metrics.SNAPSHOT_ROWS, "dead")) == (28, 2)


def test_exporter_store_that_goes_away_keeps_the_last_snapshot_and_says_so(published: Path) -> None:
    uri = published / "store" / "mill"
    exporter = Exporter([str(uri)])
    exporter.look()
    looked = seen(exporter).value(metrics.LOOKED)
    manifest = next((uri / "manifests").iterdir())
    shutil.move(manifest, manifest.with_name("000000000002.json"))
    [error] = exporter.look().values()
    assert "says it is snapshot 1: expected 2" in str(error)
    assert seen(exporter).value(metrics.UP) == 0
    assert seen(exporter).value(metrics.SNAPSHOT_DOCUMENTS) == 30
    assert seen(exporter).value(metrics.LOOKED) == looked
    shutil.move(manifest.with_name("000000000002.json"), manifest)
    assert exporter.look() == {"mill": None}
    assert seen(exporter).value(metrics.UP) == 1


def test_exporter_tells_when_a_run_last_ended_in_each_way(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "wiki"))
    for hour, outcome in enumerate(("published", "failed", "published", "unchanged")):
        began = T0.replace(hour=hour)
        add_outcome(store, Outcome(run="r", outcome=outcome, began_at=began, ended_at=began.replace(minute=hour)))
    exporter = Exporter([store.uri])
    exporter.look()
    series = seen(exporter, "wiki")
    assert series.value(metrics.LAST_RUN, "failed") == T0.replace(hour=1, minute=1).timestamp()
    assert series.value(metrics.LAST_RUN, "published") == T0.replace(hour=2, minute=2).timestamp()
    assert series.value(metrics.LAST_RUN, "unchanged") == T0.replace(hour=3, minute=3).timestamp()
    assert series.value(metrics.LAST_RUN_SECONDS) == 180
    assert series.value(metrics.SNAPSHOT_NUMBER) == 0


def test_exporter_two_collections_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="two collections are called 'wiki'"):
        Exporter([f"{tmp_path}/a/wiki", f"{tmp_path}/b/wiki/"])


def test_exporter_hundreds_of_segments_have_a_bounded_number_of_series(published: Path) -> None:
    """A snapshot of 500 segments: 100 have series of their own, the others one together."""
    path = published / "store" / "mill" / "manifests" / "000000000001.json"
    manifest = json.loads(path.read_text())
    manifest["segments"] = [{**manifest["segments"][0], "segment": f"s{n}", "rows": 10} for n in range(500)]
    path.write_text(json.dumps(manifest))
    exporter = Exporter([str(published / "store" / "mill")])
    exporter.look()
    series = seen(exporter)
    assert series.value(metrics.SEGMENT_ROWS, "rest", "live") == 4000
    assert sum(row.metric == metrics.SEGMENT_ROWS.name for row in series.rows()) == 202
