"""A model as its files: found, checked, named by content, and where its tokenizer lies. Needs no torch."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from operators.core import model_checks
from operators.core.encoder_spec import (
    FITTED,
    HASHING,
    IDF,
    MINILM,
    MINILM_SPARSE,
    EncoderSpec,
    Kind,
    Precision,
    Role,
    TokenizerSpec,
)
from operators.core.errors import UsageError
from operators.core.fingerprint import fingerprint
from operators.core.model_location import Location, Source, find, is_at_hand, locate
from operators.core.model_modules import Module, read_json, read_modules

#: Raised whenever our code changes the vectors of an unchanged model, so that old and new ones never mix.
ENGINE = 2
#: Tokens kept of a text by a model that names no limit.
UNLIMITED = 131_072

_SETTINGS = "config_sentence_transformers.json"
_ADAPTER = "adapter_config.json"
_TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt")
_LIMITS = (
    "sentence_bert_config.json",
    "sentence_roberta_config.json",
    "sentence_distilbert_config.json",
    "sentence_camembert_config.json",
    "sentence_albert_config.json",
    "sentence_xlm-roberta_config.json",
    "sentence_xlnet_config.json",
)


@dataclass(frozen=True)
class ModelFolder:
    """The files of an encoder's model, and of the base model where it is a PEFT adapter or `minilm-sparse`."""

    location: Location
    base: Location | None = None

    @property
    def path(self) -> Path:
        """The folder of the model's files; for `hashing` a name only."""
        return self.location.path

    @property
    def word_pieces(self) -> Path:
        """The folder of the tokenizer whose word pieces carry a fitted model's weights."""
        return (self.base or self.location).path

    def document_fingerprint(self, spec: EncoderSpec) -> str:
        """Short name of all that changes a document's vector; raises `ValueError` for an unresolved precision."""
        if spec.precision is Precision.AUTO:
            raise ValueError("resolve the precision first: auto is another number format on another machine")
        return fingerprint({"engine": ENGINE, "kind": spec.kind, **self._document_facts(spec)})

    def _document_facts(self, spec: EncoderSpec) -> dict[str, Any]:
        tokenizer = self.tokenizer(spec, Role.DOCUMENT)
        prompt, limit = tokenizer.prompt, tokenizer.max_length
        if spec.model == HASHING:
            return {"model": HASHING, "prompt": prompt, "dimensions": spec.dimensions, "max_length": limit}
        if spec.model == IDF:
            files = {name: (self.path / name) for name in _TOKENIZER_FILES if (self.path / name).is_file()}
            contents = {name: file.read_text(encoding="utf-8") for name, file in files.items()}
            return {"model": IDF, "tokenizer": fingerprint(contents), "prompt": prompt, "max_length": limit}
        return {
            "model": self.location.identity(),
            "base": self.base and self.base.identity(),
            "prompt": prompt,
            "max_length": limit,
            "max_active_dims": self.max_active_dims(spec),
            "precision": spec.precision,
            # Engines agree within a tolerance and not to the bit: parts of two engines are not mixed in silence.
            "engine": spec.engine,
        }

    def max_active_dims(self, spec: EncoderSpec) -> int | None:
        """Largest weights kept of a sparse vector: the recipe's number, else the one saved with the model."""
        saved = self.path / _SETTINGS
        if spec.kind is Kind.DENSE or spec.max_active_dims or not saved.is_file():
            return spec.max_active_dims
        limit: int | None = read_json(saved).get("max_active_dims")
        return limit

    def prompt(self, spec: EncoderSpec, role: Role) -> str:
        """What is put before every text: the recipe's prompt, else the one saved with the model under the role's name.

        As in sentence-transformers, a prompt saved as "passage" is not a document's: the recipe has to name it.
        """
        asked = spec.document_prompt if role is Role.DOCUMENT else spec.query_prompt
        saved = self.path / _SETTINGS
        if asked is not None or spec.model in {HASHING, *FITTED} or not saved.is_file():
            return asked or ""
        return str((read_json(saved).get("prompts") or {}).get(role.value) or "")

    def tokenizer(self, spec: EncoderSpec, role: Role) -> TokenizerSpec:
        """How texts of this role become token ids, as sentence-transformers resolves it."""
        prompt = self.prompt(spec, role)
        if spec.model == HASHING:
            limit = spec.max_length or UNLIMITED
            return TokenizerSpec(folder=HASHING, max_length=limit, prompt=prompt, special_tokens=False)
        if spec.model in FITTED:  # of the tokenizer's model its word pieces count, not the lengths it was trained on
            module = Module("SparseStaticEmbedding", self.word_pieces)
        else:
            module = read_modules(self.path, role)[0]
        limits = module.read(*_LIMITS)
        return TokenizerSpec(
            folder=str(self._tokenizer_folder(module)),
            max_length=min(spec.max_length or UNLIMITED, self._own_max_length(module, limits, role)),
            prompt=prompt,
            special_tokens=module.name in model_checks.TRANSFORMERS,
            lowercase=bool(limits.get("do_lower_case")),
        )

    def _tokenizer_folder(self, module: Module) -> Path:
        if self.base is None or any((module.folder / name).is_file() for name in _TOKENIZER_FILES):
            return module.folder
        return self.base.path

    def _own_max_length(self, module: Module, limits: dict[str, Any], role: Role) -> int:
        """A role's own limit, else the module's, else the smaller of the tokenizer's and the number of positions."""
        if module.name == "StaticEmbedding":
            return int((module.read("tokenizer.json").get("truncation") or {}).get("max_length", UNLIMITED))
        tokenizer = Module(module.type, self._tokenizer_folder(module)).read("tokenizer_config.json")
        limit = tokenizer.get("model_max_length") or UNLIMITED
        if module.name in model_checks.TRANSFORMERS:
            positions = self._config(module).get("max_position_embeddings") or UNLIMITED
            limit = min(limit, positions if positions > 0 else UNLIMITED)
            arguments = limits.get("processor_kwargs") or limits.get("tokenizer_args") or {}
            limit = arguments.get("model_max_length") or limits.get("max_seq_length") or limit
            limit = limits.get(f"{role.value}_length") or limit
        return int(min(limit, UNLIMITED))

    def _config(self, module: Module) -> dict[str, Any]:
        return Module(module.type, self.base.path if self.base else module.folder).read("config.json")


def resolve_model(spec: EncoderSpec) -> ModelFolder:
    """Find and check an encoder's model; raises `UsageError` naming the remedy before anything is started.

    Raises `IntegrityError` where the spec names the sha256 of its files and they are others; nothing of them is opened.
    """
    if spec.model in {HASHING, IDF} and spec.max_active_dims:
        raise UsageError(
            f"model {spec.model} gives few and equal weights, none of which is the largest: remove max_active_dims"
        )
    if spec.model == HASHING:
        return ModelFolder(Location(Path(HASHING)))
    location = locate_own(spec)
    if spec.model == IDF:
        _check_word_pieces(location)
        return ModelFolder(location)
    if spec.model == MINILM_SPARSE:
        return ModelFolder(location, locate(MINILM, None, base_source(spec)))
    roles = {role: read_modules(location.path, role) for role in Role}
    for modules in roles.values():
        model_checks.check_modules(modules)
        model_checks.check_kind(location.path, modules, spec.kind)
    folder = ModelFolder(location, _adapted(roles[Role.DOCUMENT][0], spec))
    for role in Role:
        model_checks.check_tokenizer(Path(folder.tokenizer(spec, role).folder))
    return folder


def is_model_at_hand(spec: EncoderSpec) -> bool:
    """Whether `resolve_model` needs no network."""
    return not missing_models(spec)


def missing_models(spec: EncoderSpec) -> list[tuple[str, str | None]]:
    """The models of an encoder that are not on this machine, each with its revision; `resolve_model` fetches them.

    An adapter that is not here does not tell its base.
    """
    if spec.model == HASHING:
        return []
    if not is_at_hand(own_model(spec), spec.revision, _own_source(spec)):
        return [(own_model(spec), spec.revision)]
    base = base_model(spec)
    return [] if base is None or is_at_hand(*base, base_source(spec)) else [base]


def own_model(spec: EncoderSpec) -> str:
    """The model whose files are the encoder's own: of `idf` that of its tokenizer."""
    return spec.tokenizer if spec.model == IDF else spec.model


def base_model(spec: EncoderSpec) -> tuple[str, str | None] | None:
    """The model and revision that an encoder's own is an adapter for, or works on top of; None for most."""
    if spec.model in {HASHING, IDF}:
        return None
    if spec.model == MINILM_SPARSE:
        return MINILM, None
    return _base_of(read_modules(locate_own(spec).path, Role.DOCUMENT)[0], spec)


def locate_own(spec: EncoderSpec) -> Location:
    """Where the encoder's own files lie, proven where the spec names their sha256. Nothing of them is opened."""
    return locate(own_model(spec), spec.revision, _own_source(spec), weights=spec.model != IDF)


def find_own(spec: EncoderSpec) -> Location:
    """`locate_own`, whatever the files are."""
    return find(own_model(spec), spec.revision, _own_source(spec), weights=spec.model != IDF)


def base_source(spec: EncoderSpec) -> Source:
    """What the base of an encoder's model must be, and where else it may come from."""
    return Source(spec.base_sha256, spec.mirror, "base_revision")


def _own_source(spec: EncoderSpec) -> Source:
    return Source(spec.sha256, spec.mirror)


def _check_word_pieces(location: Location) -> None:
    if not (location.path / "tokenizer.json").is_file():
        raise UsageError(f"model idf: expected tokenizer.json in {location.path}: choose a model with a fast tokenizer")


def _adapted(module: Module, spec: EncoderSpec) -> Location | None:
    """Where the base of an adapter lies; None where the model is none."""
    base = _base_of(module, spec)
    if base is None:
        return None
    location = locate(*base, base_source(spec))
    model_checks.check_weights(location.path)
    model_checks.check_known_class(Module(module.type, location.path))
    return location


def _base_of(module: Module, spec: EncoderSpec) -> tuple[str, str | None] | None:
    if (module.folder / "config.json").is_file() or not (module.folder / _ADAPTER).is_file():
        return None
    adapter = module.read(_ADAPTER)
    base = adapter.get("base_model_name_or_path")
    if not base:
        raise UsageError(f"{module.folder / _ADAPTER} names no base_model_name_or_path: save the adapter with its base")
    return base, spec.base_revision or adapter.get("revision")
