"""What an evaluation is asked of: a collection, which of its snapshots, in which modes, fused how."""

from dataclasses import dataclass, replace

from operators.core.storage import open_store
from operators.publish.tags import resolve_snapshot
from operators.search.fusion import DEFAULT_FUSION, FUSIONS, Fusion, parse_fusion
from operators.search.mode import Mode, parse_mode
from operators.search.snapshot import Snapshot


@dataclass(frozen=True)
class Target:
    """`snapshot` is a number or a tag, None the newest; without modes, `default_modes` of the snapshot are meant."""

    uri: str
    snapshot: str | None
    modes: tuple[Mode, ...]
    fusion: Fusion = DEFAULT_FUSION

    def open(self) -> Snapshot:
        """Raises `UsageError` where there is no such snapshot."""
        number = None if self.snapshot is None else resolve_snapshot(open_store(self.uri), self.snapshot)
        return Snapshot.open(self.uri, number)


def other_target(target: Target, word: str) -> Target:
    """What `--against` names beside a target: a mode or a fusion of it, a collection (with a slash), or a snapshot."""
    if word in set(Mode):
        return replace(target, modes=(parse_mode(word),))
    if word in FUSIONS:
        return replace(target, modes=(Mode.HYBRID,), fusion=parse_fusion(word, None))
    if "/" in word:
        return replace(target, uri=word, snapshot=None)
    return replace(target, snapshot=word)
