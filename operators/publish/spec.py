"""The gates a run must pass before its snapshot is published."""

from pydantic import Field

from operators.core.spec import Spec
from operators.publish.canary import Canary


class PublishSpec(Spec):
    """Bounds on what a published snapshot may lack; shares between 0 and 1."""

    max_reject_ratio: float = Field(0.01, ge=0, le=1, description="rejected documents over documents read")
    max_delete_ratio: float = Field(0.1, ge=0, le=1, description="documents deleted over those of the snapshot before")
    min_recall: float = Field(0.95, ge=0, le=1, description="recall of every index against exact search")
    canaries: tuple[Canary, ...] = Field((), description="queries whose expected documents must be found")
    max_canary_drop: float = Field(
        1.0, ge=0, le=1, description="by how much the mean share of expected documents found may fall in a night"
    )
