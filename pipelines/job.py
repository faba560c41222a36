"""Everything about a run that is known before Ray starts: inputs, parts, encoders, identity."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from operators.core import schema
from operators.core.encoder_records import EncoderTotals
from operators.core.encoder_spec import EncoderSpec, Precision, Role, TokenizerSpec
from operators.core.fingerprint import fingerprint
from operators.core.hashes import input_id
from operators.core.manifest import Manifest, Part
from operators.core.model_folder import ModelFolder, resolve_model
from operators.core.storage import Store, open_store
from operators.core.stored_file import StoredFile
from operators.encode.precision import resolve_precision
from operators.ledger.inputs import KnownInput, PlannedInputs, known_inputs, plan_inputs
from operators.publish.chain import read_head
from operators.publish.identity import Identity, compaction_name, is_published, run_name
from operators.read.listing import InputFile
from operators.read.plan import plan_parts
from operators.read.slices import PlannedPart
from operators.read.source import shown
from operators.tokenize.chunk import check_chunk
from operators.tokenize.tokenizer import Tokenizer
from operators.write.stored import read_table
from pipelines.recipe import Recipe
from pipelines.source import Source, list_source

#: What of an encoder's spec says where it runs and how its model is proven, and nothing of its vectors.
_NO_VECTORS = {"device", "sha256", "base_sha256", "mirror"}


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
    source: Source
    inputs: PlannedInputs
    encoders: Mapping[str, PlannedEncoder]
    identity: Identity
    compaction: bool = False
    #: On this process's monotonic clock: when the run stops between two parts.
    deadline: float | None = None

    @cached_property
    def parts(self) -> tuple[PlannedPart, ...]:
        """The inputs to read, cut into parts; they are opened to be cut well."""
        files = [_file(each) for each in self.inputs.inputs if each.input in self.inputs.read]
        return plan_parts(tuple(files), self.recipe.source)

    @property
    def run(self) -> str:
        """The deterministic name of the run."""
        if self.compaction and self.parent:
            return compaction_name(self.parent)
        return run_name(self.identity, self.parent)

    @property
    def part_prefix(self) -> str:
        """What the names of the run's parts begin with: a snapshot holds parts of many runs."""
        return self.run[:12]

    @property
    def is_published(self) -> bool:
        """Whether there is nothing to do."""
        if self.compaction and self.parent:
            return len(self.parent.segments) == 1 and self.parent.segments[0].dead is None
        return is_published(self.identity, self.parent)

    @property
    def snapshot(self) -> int:
        """The number the run will publish under."""
        return self.parent.snapshot + 1 if self.parent else 1

    @property
    def kept_encoders(self) -> dict[str, str]:
        """Encoders whose vectors the parent snapshot has, by name: the name they have there."""
        before = {each.fingerprint: name for name, each in self.parent.encoders.items()} if self.parent else {}
        return {name: before[each.fingerprint] for name, each in self.encoders.items() if each.fingerprint in before}

    @property
    def reuses_texts(self) -> bool:
        """Whether equal text has equal rows in the parent snapshot: it is cut into chunks in the same way."""
        return self.parent is not None and _chunking(self.recipe, self.encoders) == self.parent.chunking_fingerprint

    @property
    def chunking_fingerprint(self) -> str:
        """What the spans of a text's chunks depend on."""
        return _chunking(self.recipe, self.encoders)

    def reusable(self, living: Sequence[Part]) -> Sequence[Part]:
        """Stored parts whose vectors new documents may share: all of the parent's where all encoders were there."""
        return self.parent.parts if self.parent and len(self.kept_encoders) == len(self.encoders) else living

    def renamed(self, reusable: Sequence[Part], living: Sequence[Part]) -> Sequence[Part]:
        """The reusable parts with vectors under the names that encoders have now."""
        now = {part.part: part for part in living}
        return [now.get(part.part) or self.with_vectors(part, {}, {}) for part in reusable]

    def with_vectors(self, part: Part, files: dict[str, StoredFile], totals: dict[str, EncoderTotals]) -> Part:
        """A parent's part with the vectors of all encoders of the job, and of no others; `files` are new ones."""
        kept = {name: part.vectors[before] for name, before in self.kept_encoders.items()}
        before = {name: part.totals[before] for name, before in self.kept_encoders.items()}
        return part.model_copy(update={"vectors": {**kept, **files}, "totals": {**before, **totals}})

    def unread_part(self, input_: int, name: str) -> PlannedPart:
        """All of an input that was not to be read, as one part of the given name."""
        found = next(each for each in self.inputs.inputs if each.input == input_)
        planned = plan_parts((_file(found),), self.recipe.source)
        return PlannedPart(part=name, slices=tuple(piece for part in planned for piece in part.slices))


def plan_encoders(specs: Mapping[str, EncoderSpec], parent: Manifest | None = None) -> dict[str, PlannedEncoder]:
    """Find and check every model; raises `UsageError` naming the remedy before anything is started."""
    return {name: plan_encoder(_as_before(name, spec, parent)) for name, spec in specs.items()}


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
    store = collection_store(recipe)
    parent = read_head(store)
    encoders = plan_encoders(recipe.encoders, parent)
    if recipe.chunking:
        check_chunk(recipe.chunking, Tokenizer(encoders[recipe.chunking.encoder].tokenizer(Role.DOCUMENT)))
    documents = documents_fingerprint(recipe, encoders)
    source = list_source(recipe.source, store, parent)
    inputs = plan_inputs(
        [_known(file) for file in source.inputs],
        known_inputs_of(store, parent),
        whole=source.whole,
        reread=parent is None or documents != parent.documents_fingerprint,
        # A table lists what changed last first; files are read by their paths, as the snapshot's inputs keep them.
        order=None if recipe.source.is_table else lambda each: shown(each.path),
    )
    identity = Identity(
        collection=recipe.collection,
        source=inputs.version(gaps=bool(source.problems)),
        documents=documents,
        encoders={name: encoder.fingerprint for name, encoder in encoders.items()},
        index=fingerprint(recipe.index),
    )
    return Job(recipe, store, parent, source, inputs, encoders, identity)


def known_inputs_of(store: Store, parent: Manifest | None) -> Sequence[KnownInput]:
    """The inputs that a snapshot was made from."""
    if parent is None:
        return ()
    return known_inputs(read_table(store, parent.source.inputs, schema.INPUTS))


def _as_before(name: str, spec: EncoderSpec, parent: Manifest | None) -> EncoderSpec:
    """`precision: auto` is what it was: on another machine it would be another one, and encode everything again."""
    before = parent.encoders.get(name) if parent else None
    if spec.precision is not Precision.AUTO or before is None:
        return spec
    resolved = EncoderSpec.model_validate({**spec.model_dump(), "precision": before.spec["precision"]})
    same = resolved.model_dump(mode="json", exclude=_NO_VECTORS)
    return resolved if same == {key: value for key, value in before.spec.items() if key not in _NO_VECTORS} else spec


def _known(file: InputFile) -> KnownInput:
    return KnownInput(input=input_id(shown(file.path)), **file.model_dump())


def _file(known: KnownInput) -> InputFile:
    return InputFile(path=known.path, name=known.name, bytes=known.bytes, token=known.token)


def documents_fingerprint(recipe: Recipe, encoders: Mapping[str, PlannedEncoder]) -> str:
    """Name of everything that shapes the stored documents of given inputs."""
    # Vectors of a new encoder are made from the stored text; where none is stored, the source is read again.
    unstored = None if recipe.source.keep_text else {name: each.fingerprint for name, each in encoders.items()}
    return fingerprint(
        {
            "source": recipe.source.documents_identity(),
            "chunking": _chunking(recipe, encoders),
            "unstored": unstored,
        }
    )


def _chunking(recipe: Recipe, encoders: Mapping[str, PlannedEncoder]) -> str:
    chunker = encoders[recipe.chunking.encoder].fingerprint if recipe.chunking else None
    return fingerprint({"chunking": recipe.chunking, "chunker": chunker})
