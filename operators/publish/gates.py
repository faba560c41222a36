"""What must hold before anything is published; each refusal says how to go on."""

from collections.abc import Mapping, Sequence

from operators.core.errors import GateError
from operators.core.index_records import SegmentIndex, TrainedIndex
from operators.core.manifest import Part, Segment

#: What raises the recall of an index whose search was already tuned as far as it goes.
_ADVICE = {
    "faiss-hnsw": "Raise index.hnsw_m or index.hnsw_ef_construction in the recipe, or index.flat_rows",
    "faiss-ivf-sq8": "Let index.dense be hnsw in the recipe, or raise index.memory",
    "faiss-ivf-rabitq": "Let index.dense be ivf-sq8 or hnsw in the recipe, or raise index.memory",
}
_NO_ADVICE = "It looks at every row: ask for help with this snapshot"


def check_rejects(rejected_by_reason: Mapping[str, int], read: int, limit: float, place: str) -> None:
    """Refuse a source with too many rejects. `read` counts documents and rejects, `place` is where the rejects lie."""
    rejected = sum(rejected_by_reason.values())
    if read == 0 or rejected / read <= limit:
        return
    reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(rejected_by_reason.items()))
    needed = _round_up(rejected / read)
    raise GateError(
        f"not published: {rejected} of {read} documents were rejected ({rejected / read:.1%}; {reasons}), more than "
        f"publish.max_reject_ratio allows ({limit:.1%}). Read them under {place}; mend the source, or accept them "
        f"with --set publish.max_reject_ratio={needed:g}"
    )


def check_deletes(deleted: int, before: int, limit: float) -> None:
    """Refuse to delete too large a share of the documents of the snapshot before."""
    if before == 0 or deleted / before <= limit:
        return
    raise GateError(
        f"not published: {deleted:,} of {before:,} documents are no longer in the source ({deleted / before:.1%}), "
        f"more than publish.max_delete_ratio allows ({limit:.1%}). Nothing was encoded. Check the source; if they are "
        f"to go, run again with --set publish.max_delete_ratio={_round_up(deleted / before):g}"
    )


def _round_up(ratio: float) -> float:
    return min(1.0, (int(ratio * 100) + 1) / 100)


def check_recall(encoder: str, index: SegmentIndex, limit: float) -> None:
    """Refuse an index that misses too much of what exact search finds, or too often the very vector it is asked for."""
    measured = index.measured
    figures = {f"recall@{measured.k}": measured.recall}
    if measured.figures:
        figures["share of vectors that find themselves"] = measured.figures.self_found
    for name, found in figures.items():
        if found < limit:
            raise GateError(
                f"not published: the {index.backend} index of encoder {encoder}, segment {index.segment}, has "
                f"{name} {found:.3f} over {measured.queries} queries, publish.min_recall asks for {limit:g}. "
                f"{_ADVICE.get(index.backend, _NO_ADVICE)}, or lower the gate with "
                f"--set publish.min_recall={int(found * 100) / 100:g}"
            )


def check_trained(encoder: str, indexes: Sequence[SegmentIndex], trained: Sequence[TrainedIndex]) -> None:
    """Refuse indexes that began with another training than the snapshot names."""
    known = {each.file.sha256 for each in trained}
    for index in indexes:
        training = index.settings.get("trained")
        if training and training not in known:
            raise GateError(
                f"not published: the {index.backend} index of encoder {encoder}, segment {index.segment}, began with "
                f"training {training}, the snapshot has {sorted(known)}. Change a setting of `index`, such as "
                f"index.recall_queries, to train and build anew"
            )


def check_complete(parts: Sequence[Part], segments: Sequence[Segment], indexes: Sequence[SegmentIndex]) -> None:
    """Refuse a snapshot whose parts, segments and indexes do not hold the same rows; this is a defect, not bad data."""
    rows = {part.part: part.rows for part in parts}
    for segment in segments:
        found = sum(rows[part] for part in segment.parts)
        if found != segment.rows:
            raise GateError(f"not published: segment {segment.segment} has {segment.rows} rows, its parts {found}")
    if sorted(rows) != sorted(part for segment in segments for part in segment.parts):
        raise GateError("not published: the segments do not name every part exactly once")
    expected = {segment.segment: segment.rows for segment in segments}
    for index in indexes:
        if index.rows != expected[index.segment]:
            raise GateError(
                f"not published: the {index.backend} index of segment {index.segment} holds {index.rows} rows, "
                f"the segment {expected[index.segment]}"
            )
