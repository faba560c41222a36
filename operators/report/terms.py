"""The dimensions of sparse vectors with the longest posting lists, in words where the encoder's model is at hand."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from operators.core.encoder_records import EncoderRecord
from operators.core.encoder_spec import HASHING, MINILM_SPARSE, EncoderSpec, Role
from operators.core.errors import MillraceError
from operators.core.model_folder import ModelFolder, is_model_at_hand, resolve_model
from operators.core.model_modules import read_modules
from operators.report.run_report import Term
from operators.tokenize.pieces import read_pieces

#: A head whose dimensions are learned features, and no word pieces.
_FEATURES = "SparseAutoEncoder"


def top_terms(encoders: Mapping[str, EncoderRecord]) -> dict[str, tuple[Term, ...]]:
    """By sparse encoder, longest posting list first."""
    return {name: _terms(record) for name, record in encoders.items() if record.spread and record.spread.top}


def _terms(record: EncoderRecord) -> tuple[Term, ...]:
    assert record.spread
    top, rows = record.spread.top, max(1, record.spread.rows)
    words = _words(record, [dimension for dimension, _ in top])
    return tuple(
        Term(dimension=dimension, rows=held, share=held / rows, word=word)
        for (dimension, held), word in zip(top, words, strict=True)
    )


def _words(record: EncoderRecord, dimensions: Sequence[int]) -> list[str | None]:
    try:
        folder = _pieces_of(record)
        return read_pieces(folder, dimensions) if folder else [None for _ in dimensions]
    except MillraceError:
        # The model was moved or changed since: the report tells numbers.
        return [None for _ in dimensions]


def _pieces_of(record: EncoderRecord) -> Path | None:
    """The tokenizer's folder; None where dimensions are no word pieces, or the model is not that of the snapshot."""
    spec = EncoderSpec.model_validate({**record.spec, "device": "auto"})
    if spec.model == HASHING or not is_model_at_hand(spec):
        return None
    folder = resolve_model(spec)
    if folder.document_fingerprint(spec) != record.fingerprint or _has_features(spec, folder):
        return None
    return Path(folder.tokenizer(spec, Role.DOCUMENT).folder)


def _has_features(spec: EncoderSpec, folder: ModelFolder) -> bool:
    if spec.model == MINILM_SPARSE:
        return False
    return any(module.name == _FEATURES for module in read_modules(folder.path, Role.DOCUMENT))
