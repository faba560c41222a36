"""The deterministic name of a run: the same work after a crash has the same name, and finds what is done."""

from operators.core.fingerprint import fingerprint
from operators.core.manifest import Manifest
from operators.core.spec import Spec

#: Raised when the meaning of a plan, a part or a receipt changes, so that old runs are not continued.
PLAN_VERSION = 3


class Identity(Spec):
    """Everything that the content of a snapshot depends on."""

    collection: str
    source: str
    documents: str
    encoders: dict[str, str]
    index: str
    plan: int = PLAN_VERSION


def run_name(identity: Identity, parent: Manifest | None) -> str:
    """The run that brings `identity` on top of a parent snapshot: 16 hex digits."""
    return fingerprint({"identity": identity, "parent": [parent.snapshot, parent.run] if parent else None})


def compaction_name(parent: Manifest) -> str:
    """The run that merges segments of a snapshot and changes nothing that it holds."""
    return fingerprint({"compact": parent.identity, "parent": [parent.snapshot, parent.run], "plan": PLAN_VERSION})


def is_published(identity: Identity, head: Manifest | None) -> bool:
    """Whether the newest snapshot already holds this very content."""
    return head is not None and head.identity == fingerprint(identity)
