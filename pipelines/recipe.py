"""A recipe: one frozen value that says what to index, with which encoders, where to, and what must hold."""

from typing import Any

from pydantic import Field, field_validator, model_validator

from operators.core.encoder_spec import EncoderSpec
from operators.core.layout import check_name
from operators.core.spec import Spec
from operators.core.storage import redact
from operators.index.spec import IndexSpec
from operators.observe.spec import MetricsSpec
from operators.publish.spec import PublishSpec
from operators.read.spec import SourceSpec
from operators.tokenize.spec import ChunkSpec


class ResourceSpec(Spec):
    """What each encoder's actor pool may use; what is left out is taken from the size of the cluster."""

    min_actors: int = Field(1, ge=1)
    max_actors: int | None = Field(None, ge=1)
    gpus_per_actor: float | None = Field(None, ge=0, description="fractions let several encoders share a GPU")
    cpus_per_actor: float | None = Field(None, gt=0)
    threads_per_actor: int | None = Field(None, ge=1, description="threads of one CPU encoder or index build")
    hang_seconds: float = Field(
        1800,
        gt=0,
        description="a worker that is busy with one part, or some seconds' worth of encoding, for longer is killed",
    )


class Recipe(Spec):
    """Everything `millrace index` needs to know."""

    collection: str
    store: str = Field(min_length=1, description="a folder or a URI such as s3://bucket/prefix")
    source: SourceSpec
    chunking: ChunkSpec | None = None
    encoders: dict[str, EncoderSpec] = Field(min_length=1)
    index: IndexSpec = IndexSpec()
    resources: ResourceSpec = ResourceSpec()
    publish: PublishSpec = PublishSpec()
    metrics: MetricsSpec = MetricsSpec()

    def shown(self) -> dict[str, Any]:
        """The recipe as JSON values that everybody may read: addresses without user, password and query."""
        values = self.model_dump(mode="json")
        values["store"] = redact(self.store)
        values["source"]["uri"] = [redact(uri) for uri in self.source.uri]
        return values

    @field_validator("collection")
    @classmethod
    def _safe_collection(cls, collection: str) -> str:
        return check_name("collection", collection)

    @field_validator("encoders")
    @classmethod
    def _safe_encoders(cls, encoders: dict[str, EncoderSpec]) -> dict[str, EncoderSpec]:
        return {check_name("encoder", name): spec for name, spec in encoders.items()}

    @model_validator(mode="after")
    def _chunker_exists(self) -> "Recipe":
        if self.chunking and self.chunking.encoder not in self.encoders:
            raise ValueError(
                f"chunking.encoder {self.chunking.encoder!r} is none of the encoders {sorted(self.encoders)}"
            )
        return self

    @model_validator(mode="after")
    def _canaries_can_be_asked(self) -> "Recipe":
        kinds = {"hybrid", *(encoder.kind.value for encoder in self.encoders.values())}
        for canary in self.publish.canaries:
            if canary.mode not in kinds:
                raise ValueError(
                    f"publish.canaries: {canary.query!r} is for mode {canary.mode}, no encoder is {canary.mode}"
                )
        return self
