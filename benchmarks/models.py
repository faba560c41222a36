"""Model folders with the true sizes of the five families and random weights, for benchmarks on machines without a hub.

    python benchmarks/models.py FOLDER [NAME ...]

Speed and memory depend on shapes and token counts, not on what the weights say. Word pieces are those of
all-MiniLM-L6-v2 (BERT's own 30,522) and, where a family's vocabulary is larger, a byte-level BPE trained on the spot.
"""

import argparse
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers
from transformers import (
    BertConfig,
    BertForMaskedLM,
    BertModel,
    DistilBertConfig,
    DistilBertForMaskedLM,
    ModernBertConfig,
    ModernBertForMaskedLM,
    PreTrainedTokenizerFast,
    XLMRobertaConfig,
    XLMRobertaModel,
)

from operators.core.encoder_spec import MINILM
from operators.core.model_location import locate

_SPARSE = "sentence_transformers.sparse_encoder.models"
_DENSE = "sentence_transformers.models"
#: Random tokens that a sparse model is shifted on; a document of the usual length.
_SAMPLE = 400
_SPECIAL = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}


def splade_distilbert(folder: Path) -> None:
    """DistilBERT-base with a SPLADE head, 30,522 word pieces, 512 tokens: the documents' side of family 2."""
    _word_pieces(folder)
    _save_sparse(DistilBertForMaskedLM(DistilBertConfig()), folder, 512, 30522)


def splade_bert(folder: Path) -> None:
    """BERT-base with a SPLADE head: family 3 with its adapter merged."""
    _word_pieces(folder)
    _save_sparse(BertForMaskedLM(BertConfig()), folder, 512, 30522)


def splade_modernbert(folder: Path) -> None:
    """ModernBERT-base with a SPLADE head, 50,000 tokens of byte-level BPE, 8,192 positions: family 1."""
    _byte_level(folder, 50_000, 8192)
    config = ModernBertConfig(
        vocab_size=50_000, pad_token_id=0, cls_token_id=2, sep_token_id=3, bos_token_id=2, eos_token_id=3
    )
    _save_sparse(ModernBertForMaskedLM(config), folder, 8192, 50_000)


def e5_small(folder: Path) -> None:
    """BERT of 12 layers and width 384, mean pooling, 512 tokens: family 4 (with 30,522 word pieces, not 250,002)."""
    _word_pieces(folder)
    config = BertConfig(hidden_size=384, intermediate_size=1536, num_attention_heads=12)
    _save_dense(BertModel(config), folder, 512, 384)


def e5_large(folder: Path) -> None:
    """XLM-R of 24 layers and width 1,024, mean pooling, 256 tokens: family 5 (50,000 tokens, not 250,002)."""
    _byte_level(folder, 50_000, 512)
    config = XLMRobertaConfig(
        vocab_size=50_000,
        hidden_size=1024,
        intermediate_size=4096,
        num_hidden_layers=24,
        num_attention_heads=16,
        max_position_embeddings=514,
        type_vocab_size=1,
    )
    _save_dense(XLMRobertaModel(config), folder, 256, 1024)


MODELS: dict[str, Callable[[Path], None]] = {
    build.__name__: build for build in (splade_distilbert, splade_bert, splade_modernbert, e5_small, e5_large)
}


def build(root: Path, name: str) -> Path:
    """The folder of a model below `root`, built where it is not there yet; it appears whole or not at all."""
    folder = root / name
    if not folder.is_dir():
        partial = root / f".{name}.partial"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        torch.manual_seed(0)
        MODELS[name](partial)
        partial.rename(folder)
    return folder


def _save_sparse(model: Any, folder: Path, length: int, vocabulary: int) -> None:
    _shift(model.eval(), vocabulary)
    model.save_pretrained(folder)
    _modules(folder, (f"{_SPARSE}.MLMTransformer", ""), (f"{_SPARSE}.SpladePooling", "1_SpladePooling"))
    pooling = {"pooling_strategy": "max", "activation_function": "relu", "word_embedding_dimension": vocabulary}
    _write(folder / "1_SpladePooling" / "config.json", pooling)
    _settings(folder, length, "SparseEncoder")


@torch.inference_mode()
def _shift(model: Any, vocabulary: int) -> None:
    """Lower the bias until one score in a hundred stays positive, as in a trained model; else every vector is full."""
    ids = torch.randint(5, vocabulary, (1, _SAMPLE), generator=torch.Generator().manual_seed(1))
    best = model(input_ids=ids).logits[0].amax(dim=0)
    model.get_output_embeddings().bias.data -= best.quantile(0.99)


def _save_dense(model: Any, folder: Path, length: int, width: int) -> None:
    model.save_pretrained(folder)
    names = (("Transformer", ""), ("Pooling", "1_Pooling"), ("Normalize", "2_Normalize"))
    _modules(folder, *((f"{_DENSE}.{name}", path) for name, path in names))
    (folder / "2_Normalize").mkdir()
    pooling = {"word_embedding_dimension": width, "pooling_mode_mean_tokens": True, "pooling_mode_cls_token": False}
    _write(folder / "1_Pooling" / "config.json", pooling)
    _settings(folder, length, "SentenceTransformer")


def _modules(folder: Path, *modules: tuple[str, str]) -> None:
    entries = [{"idx": i, "name": str(i), "path": path, "type": kind} for i, (kind, path) in enumerate(modules)]
    _write(folder / "modules.json", entries)


def _settings(folder: Path, length: int, model_type: str) -> None:
    _write(folder / "sentence_bert_config.json", {"max_seq_length": length, "do_lower_case": False})
    settings = {"__version__": {"sentence_transformers": "5.1.0"}, "model_type": model_type, "prompts": {}}
    _write(folder / "config_sentence_transformers.json", settings)


def _write(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=2), encoding="utf-8")


def _word_pieces(folder: Path) -> None:
    packaged = locate(MINILM, None).path
    for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt"):
        shutil.copyfile(packaged / name, folder / name)


def _byte_level(folder: Path, size: int, length: int) -> None:
    """Byte-level BPE trained on Hangul syllables: Korean splits as with a Korean vocabulary, Latin into letters."""
    tokenizer = Tokenizer(models.BPE(unk_token="[UNK]"))  # noqa: S106 - a token of text, not of access
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    special = [*_SPECIAL.values(), "[MASK]"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=size, special_tokens=special, initial_alphabet=alphabet)
    tokenizer.train_from_iterator(_syllables(), trainer)
    cls, sep = (tokenizer.token_to_id(_SPECIAL[name]) for name in ("cls_token", "sep_token"))
    ends = [("[CLS]", cls), ("[SEP]", sep)]
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=ends)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=length, mask_token="[MASK]", **_SPECIAL)  # noqa: S106
    fast.save_pretrained(folder)


def _syllables() -> Iterator[str]:
    """Every Hangul syllable next to its neighbours, so that one syllable is one token, as in Korean vocabularies."""
    first, last = ord("가"), ord("힣")
    for code in range(first, last):
        yield f"{chr(code)} {chr(code + 1)}{chr(code)}"


def main() -> None:
    """Build the folders asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*", choices=[*MODELS, []], default=[], help="by default all")
    asked = parser.parse_args()
    for name in asked.names or MODELS:
        print(build(asked.folder, name))


if __name__ == "__main__":
    main()
