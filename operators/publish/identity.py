"""The deterministic name of a run: the same work after a crash has the same name, and finds what is done."""

from operators.core.fingerprint import fingerprint
from operators.core.manifest import Manifest
from operators.core.spec import Spec

#: Raised when the meaning of a plan, a part or a receipt changes, so that old runs are not continued.
PLAN_VERSION = 2


class Identity(Spec):
    """Everything that a snapshot depends on: its vectors on all but `index`."""

    collection: str
    source: str
    documents: str
    encoders: dict[str, str]
    index: str
    plan: int = PLAN_VERSION

    def vectors(self) -> str:
        """Name of all that the snapshot's documents and vectors depend on."""
        return fingerprint(self.model_dump(exclude={"index"}))


def run_name(identity: Identity, parent: Manifest | None) -> str:
    """The run that brings `identity` on top of a parent snapshot: 16 hex digits.

    Where only the index differs, it is the parent's own run, whose parts are all done.
    """
    if parent and parent.vectors_identity == identity.vectors():
        return parent.run
    return fingerprint({"vectors": identity.vectors(), "parent": [parent.snapshot, parent.run] if parent else None})


def is_published(identity: Identity, head: Manifest | None) -> bool:
    """Whether the newest snapshot already holds this very content."""
    return head is not None and head.identity == fingerprint(identity)
