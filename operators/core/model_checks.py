"""Reasons to refuse a model before anything is started, each with its remedy."""

from collections.abc import Sequence
from pathlib import Path

from safetensors import SafetensorError, safe_open

from operators.core.encoder_spec import Kind
from operators.core.errors import UsageError
from operators.core.model_modules import MODULES, Module, read_json

TRANSFORMERS = ("Transformer", "MLMTransformer")
#: Modules that read token ids; others (WordEmbeddings, BoW, CLIPModel) have tokenizers or inputs of their own.
_READERS = (*TRANSFORMERS, "SparseStaticEmbedding", "StaticEmbedding")
#: Hubs and packages drop empty folders.
_WITHOUT_FILES = ("Normalize",)
_CONFIGS = ("config.json", "adapter_config.json")
_SPARSE_HEADS = ("SpladePooling", "SparseStaticEmbedding", "SparseAutoEncoder")
_WITHOUT_WEIGHTS = ("Pooling", "Normalize", "SpladePooling", "Dropout", "WordWeights")
_TOKENIZERS = ("tokenizer.json", "vocab.txt", "vocab.json", "*.model")
_MODEL_TYPES = {"SentenceTransformer": Kind.DENSE, "SparseEncoder": Kind.SPARSE}


def check_weights(folder: Path) -> None:
    """Raise `UsageError` where a folder has no whole safetensors: pickled weights can run code when they are read."""
    if files := sorted(folder.glob("*.safetensors")):
        for file in files:
            _check_safetensors(file)
        return
    pickled = [file.name for pattern in ("*.bin", "*.pt", "*.ckpt") for file in folder.glob(pattern)]
    found = f"only {', '.join(pickled)}, which can run code when read" if pickled else "none"
    raise UsageError(
        f"{folder}: expected weights in safetensors, found {found}. Convert once where you trust the model: "
        "SentenceTransformer(MODEL).save_pretrained(FOLDER) (or SparseEncoder), then give FOLDER as model"
    )


def _check_safetensors(file: Path) -> None:
    try:
        with safe_open(str(file), framework="numpy"):
            return
    except (SafetensorError, OSError) as error:
        raise UsageError(f"{file} is not whole ({error}): fetch or save the model again") from error


def check_tokenizer(folder: Path) -> None:
    """Raise `UsageError` where a folder has no vocabulary: a tokenizer without one reads every word as unknown."""
    if not any(any(folder.glob(pattern)) for pattern in _TOKENIZERS):
        raise UsageError(
            f"{folder}: expected a tokenizer ({', '.join(_TOKENIZERS)}), found none: fetch or save the model again"
        )


def check_modules(modules: Sequence[Module]) -> None:
    """Raise `UsageError` where modules need code that is not installed, or weights that are not safetensors."""
    for module in modules:
        if module.name not in _WITHOUT_FILES and not module.folder.is_dir():
            raise UsageError(f"{module.folder}: the model's module {module.name} is missing: fetch or save it again")
        if not module.type.startswith("sentence_transformers."):
            raise _needs_code(module.folder, f"its module {module.type}")
        if module.name not in _WITHOUT_WEIGHTS:
            check_weights(module.folder)
        if module.name in TRANSFORMERS and not any((module.folder / name).is_file() for name in _CONFIGS):
            raise UsageError(f"{module.folder}: expected one of {', '.join(_CONFIGS)}: fetch or save the model again")
    first = modules[0]
    if first.name not in _READERS:
        raise UsageError(f"{first.folder}: expected a text model that starts with one of {_READERS}, got {first.name}")
    if first.name in TRANSFORMERS:
        check_known_class(first)


def check_known_class(module: Module) -> None:
    """Raise `UsageError` where a transformer or its tokenizer is only known to code that came with the model."""
    config, tokenizer = module.read("config.json"), module.read("tokenizer_config.json")
    if "auto_map" not in config and "auto_map" not in tokenizer:
        return  # the usual case is answered without the seconds that importing transformers takes
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES
    from transformers.models.auto.tokenization_auto import tokenizer_class_from_name

    if "auto_map" in config and config.get("model_type") not in CONFIG_MAPPING_NAMES:
        raise _needs_code(module.folder, f"its model type {config.get('model_type')}")
    name = tokenizer.get("tokenizer_class") or ""
    if "AutoTokenizer" in tokenizer.get("auto_map", {}) and tokenizer_class_from_name(name) is None:
        raise _needs_code(module.folder, f"its tokenizer class {name}")


def _needs_code(folder: Path, what: str) -> UsageError:
    return UsageError(
        f"{folder}: {what} is not part of sentence-transformers or transformers and needs remote code, which is never "
        "run: choose a model that these libraries know, or one saved with their own classes"
    )


def check_kind(folder: Path, modules: Sequence[Module], kind: Kind) -> None:
    """Raise `UsageError` where a model is of the other kind.

    sentence-transformers would convert it: a random head on a dense model, mean pooling under a sparse one.
    """
    if not (folder / MODULES).is_file():
        _check_bare(modules[0], kind)
        return
    saved = folder / "config_sentence_transformers.json"
    name = (read_json(saved) if saved.is_file() else {}).get("model_type", "SentenceTransformer")
    built = Kind.SPARSE if modules[-1].name in _SPARSE_HEADS else Kind.DENSE
    if _MODEL_TYPES.get(name) is not built:
        expected = next(key for key, value in _MODEL_TYPES.items() if value is built)
        raise UsageError(
            f"{saved}: model_type {name} does not fit a model that ends in {modules[-1].name}: expected {expected}"
        )
    if built is not kind:
        raise UsageError(f"{folder}: asked for kind: {kind}, the model is {name}: set kind: {built}")


def _check_bare(module: Module, kind: Kind) -> None:
    architectures = module.read("config.json").get("architectures") or []
    if kind is Kind.SPARSE and not any(name.endswith("ForMaskedLM") for name in architectures):
        raise UsageError(
            f"{module.folder}: kind: sparse without {MODULES} needs a masked language model, got {architectures}: "
            "its sparse head would be random. Set kind: dense, or save a trained SparseEncoder"
        )
