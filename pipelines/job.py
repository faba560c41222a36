"""Everything about a run that is known before Ray starts: inputs, parts, encoders, identity."""

from collections.abc import Mapping
from dataclasses import dataclass

from operators.core.encoder_spec import EncoderSpec, Role, TokenizerSpec
from operators.core.fingerprint import fingerprint
from operators.core.manifest import Manifest
from operators.core.model_folder import ModelFolder, resolve_model
from operators.core.storage import Store, open_store
from operators.encode.precision import resolve_precision
from operators.publish.chain import read_head
from operators.publish.identity import Identity, is_published, run_name
from operators.read.discover import InputFile, discover, source_fingerprint
from operators.read.plan import plan_parts
from operators.read.slices import PlannedPart
from operators.tokenize.chunk import check_chunk
from operators.tokenize.tokenizer import Tokenizer
from pipelines.recipe import Recipe


@dataclass(frozen=True)
class PlannedEncoder:
    """An encoder ready to run: precision resolved, model found and checked."""

    spec: EncoderSpec
    folder: ModelFolder
    fingerprint: str

    def tokenizer(self, role: Role) -> TokenizerSpec:
        """How its text becomes ids on one side of the search."""
        return self.folder.tokenizer(self.spec, role)


@dataclass(frozen=True)
class Job:
    """What a recipe means today: against its source as listed now and the newest snapshot as published now."""

    recipe: Recipe
    store: Store
    parent: Manifest | None
    inputs: tuple[InputFile, ...]
    parts: tuple[PlannedPart, ...]
    encoders: Mapping[str, PlannedEncoder]
    identity: Identity

    @property
    def run(self) -> str:
        """The deterministic name of the run."""
        return run_name(self.identity, self.parent)

    @property
    def is_published(self) -> bool:
        """Whether there is nothing to do."""
        return is_published(self.identity, self.parent)

    @property
    def snapshot(self) -> int:
        """The number the run will publish under."""
        return self.parent.snapshot + 1 if self.parent else 1


def plan_encoders(specs: Mapping[str, EncoderSpec]) -> dict[str, PlannedEncoder]:
    """Find and check every model; raises `UsageError` naming the remedy before anything is started."""
    return {name: plan_encoder(spec) for name, spec in specs.items()}


def plan_encoder(asked: EncoderSpec) -> PlannedEncoder:
    """One encoder, ready to run; raises `UsageError` where its model is not usable."""
    spec = resolve_precision(asked)
    folder = resolve_model(spec)
    return PlannedEncoder(spec, folder, folder.document_fingerprint(spec))


def collection_store(recipe: Recipe) -> Store:
    """Where the recipe's collection lies."""
    return open_store(recipe.store).child(recipe.collection)


def plan_job(recipe: Recipe) -> Job:
    """Resolve a recipe: reads the listing of the source and the head of the collection, writes nothing."""
    encoders = plan_encoders(recipe.encoders)
    if recipe.chunking:
        check_chunk(recipe.chunking, Tokenizer(encoders[recipe.chunking.encoder].tokenizer(Role.DOCUMENT)))
    store = collection_store(recipe)
    parent = read_head(store)
    inputs = discover(recipe.source)
    parts = plan_parts(inputs, recipe.source)
    identity = Identity(
        collection=recipe.collection,
        source=source_fingerprint(inputs),
        documents=_documents_fingerprint(recipe, encoders),
        encoders={name: encoder.fingerprint for name, encoder in encoders.items()},
        index=fingerprint(recipe.index),
    )
    return Job(recipe, store, parent, inputs, parts, encoders, identity)


def _documents_fingerprint(recipe: Recipe, encoders: Mapping[str, PlannedEncoder]) -> str:
    chunker = encoders[recipe.chunking.encoder].fingerprint if recipe.chunking else None
    return fingerprint({"source": recipe.source.documents_identity(), "chunking": recipe.chunking, "chunker": chunker})
