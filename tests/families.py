"""Small models with random weights of the five model families, in the file layouts their cards were saved with."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from operators.core.encoder_spec import MINILM, EncoderSpec, Kind
from operators.core.model_location import locate

LINES = (
    "The quick brown fox jumps over the lazy dog near the river bank.",
    "Static weights are fitted on the corpus; queries look them up and documents carry their word pieces.",
    "서울은 대한민국의 수도이며 한강이 도시를 가로지른다.",
    "밀레이스는 문서를 임베딩으로 바꾸어 검색할 수 있게 합니다.",
    "Sparse vectors (스파스 벡터) keep a few thousand of 30,522 dimensions at most.",
)
#: One token, almost none, mixed scripts, markup, and longer than any of the models reads.
TEXTS = (*LINES, "fox", " ", ".", "Ünïcode — naïve café 漢字 🙂", "<s> [SEP] </s>", " ".join(LINES * 12))

_VERSIONS = {"sentence_transformers": "5.1.0", "transformers": "4.55.0", "pytorch": "2.7.1"}
_SPLADE = "sentence_transformers.sparse_encoder.models"


@dataclass(frozen=True)
class Family:
    """A saved model and how its card says to use it."""

    folder: Path
    kind: Kind
    document_prompt: str = ""
    query_prompt: str = ""

    def spec(self, **changes: Any) -> EncoderSpec:
        prompts = {"document_prompt": self.document_prompt, "query_prompt": self.query_prompt}
        return EncoderSpec(**{"kind": self.kind, "model": str(self.folder), **prompts, **changes})


def modernbert_splade(folder: Path) -> Family:
    """ModernBERT SPLADE: MLMTransformer and SpladePooling, byte-level BPE."""
    from transformers import ModernBertConfig, ModernBertForMaskedLM

    vocabulary = _byte_level(folder, length=96)
    config = ModernBertConfig(
        vocab_size=vocabulary,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=4,
        num_attention_heads=4,
        local_attention=16,
        max_position_embeddings=96,
        initializer_range=0.3,
        pad_token_id=0,
        cls_token_id=2,
        sep_token_id=3,
        bos_token_id=2,
        eos_token_id=3,
    )
    _save(_sparse(ModernBertForMaskedLM(config), lambda model: model.decoder), folder)
    _write(folder / "sentence_bert_config.json", {"max_seq_length": 96, "do_lower_case": False})
    _modules(folder, (f"{_SPLADE}.MLMTransformer", ""), (f"{_SPLADE}.SpladePooling", "1_SpladePooling"))
    _splade_pooling(folder / "1_SpladePooling", vocabulary)
    _sentence_transformers(folder, model_type="SparseEncoder", similarity_fn_name="dot")
    return Family(folder, Kind.SPARSE)


def inference_free_splade(folder: Path) -> Family:
    """Router: static weights for queries, DistilBERT SPLADE for documents."""
    import torch
    from safetensors.torch import save_file
    from transformers import DistilBertConfig, DistilBertForMaskedLM

    names = ("query_0_SparseStaticEmbedding", "document_0_MLMTransformer", "document_1_SpladePooling")
    query, document, pooling = (folder / name for name in names)
    config = DistilBertConfig(
        vocab_size=30522,
        dim=32,
        hidden_dim=64,
        n_layers=2,
        n_heads=4,
        max_position_embeddings=64,
        initializer_range=0.3,
    )
    _save(_sparse(DistilBertForMaskedLM(config), lambda model: model.vocab_projector), document)
    for target in (query, document):
        _word_pieces(target)
    _write(document / "sentence_bert_config.json", {"max_seq_length": 64, "do_lower_case": False})
    _splade_pooling(pooling, 30522)
    _write(query / "config.json", {"frozen": False})
    weights = torch.rand(30522, generator=torch.Generator().manual_seed(3)) * 5 + 0.1
    save_file({"weight": weights}, query / "model.safetensors")
    types = {name: f"{_SPLADE}.{name.rpartition('_')[2]}.{name.rpartition('_')[2]}" for name in names}
    structure = {"query": [names[0]], "document": list(names[1:])}
    parameters = {"default_route": "document", "allow_empty_key": True}
    _write(folder / "router_config.json", {"types": types, "structure": structure, "parameters": parameters})
    _modules(folder, ("sentence_transformers.models.Router", ""))
    _sentence_transformers(folder, model_type="SparseEncoder", similarity_fn_name="dot")
    return Family(folder, Kind.SPARSE)


def peft_splade(folder: Path) -> Family:
    """A LoRA adapter alone, on a BERT masked language model in a folder beside it."""
    import torch
    from peft import LoraConfig
    from transformers import BertForMaskedLM

    base = folder.with_name(f"{folder.name}-base")
    model = _sparse(BertForMaskedLM(_bert_config()), lambda found: found.cls.predictions)
    _save(model, base)
    _word_pieces(base)
    model = BertForMaskedLM.from_pretrained(base)
    model.add_adapter(LoraConfig(r=4, target_modules=["query", "value"], init_lora_weights=False))
    torch.manual_seed(5)
    model.save_pretrained(folder)
    _word_pieces(folder)
    _write(folder / "sentence_bert_config.json", {"max_seq_length": 64, "do_lower_case": False})
    _modules(folder, (f"{_SPLADE}.MLMTransformer", ""), (f"{_SPLADE}.SpladePooling", "1_SpladePooling"))
    _splade_pooling(folder / "1_SpladePooling", 30522)
    _sentence_transformers(folder, model_type="SparseEncoder", similarity_fn_name="dot")
    return Family(folder, Kind.SPARSE)


def e5_small(folder: Path) -> Family:
    """BERT, mean pooling, normalized; the prompts stand on the card and not in the files."""
    from transformers import BertModel

    _save(BertModel(_bert_config()), folder)
    _word_pieces(folder)
    _write(folder / "sentence_bert_config.json", {"max_seq_length": 64, "do_lower_case": False})
    return _dense(folder)


def e5_large(folder: Path) -> Family:
    """XLM-R: positions from 2, a Unigram tokenizer, 256 tokens, mean pooling, normalized."""
    from transformers import XLMRobertaConfig, XLMRobertaModel

    config = XLMRobertaConfig(
        vocab_size=_unigram(folder),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=514,
        type_vocab_size=1,
        initializer_range=0.3,
    )
    _save(XLMRobertaModel(config), folder)
    _write(folder / "sentence_bert_config.json", {"max_seq_length": 256, "do_lower_case": False})
    return _dense(folder)


FAMILIES: dict[str, Callable[[Path], Family]] = {
    build.__name__: build for build in (modernbert_splade, inference_free_splade, peft_splade, e5_small, e5_large)
}


def copied(family: Family, target: Path) -> Family:
    """The same model in a folder that a test may change."""
    shutil.copytree(family.folder, target)
    return replace(family, folder=target)


def _bert_config() -> Any:
    from transformers import BertConfig

    return BertConfig(
        vocab_size=30522,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=64,
        initializer_range=0.3,
    )


def _sparse(model: Any, decoder: Callable[[Any], Any]) -> Any:
    """Shift the logits down, so that a few of them stay positive, as in a trained SPLADE model."""
    decoder(model).bias.data.fill_(-4.0)
    return model


def _save(model: Any, folder: Path) -> None:
    """Random weights, the same on every run."""
    import torch

    generator = torch.Generator().manual_seed(7)
    for parameter in model.parameters():
        if parameter.dim() > 1:
            parameter.data.normal_(0.0, 0.3, generator=generator)
    model.save_pretrained(folder)


def _dense(folder: Path) -> Family:
    pooling = {"word_embedding_dimension": 32, "pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True}
    others = ("max_tokens", "mean_sqrt_len_tokens", "weightedmean_tokens", "lasttoken")
    _write(folder / "1_Pooling/config.json", {**pooling, **{f"pooling_mode_{name}": False for name in others}})
    models = "sentence_transformers.models"
    _modules(
        folder,
        (f"{models}.Transformer", ""),
        (f"{models}.Pooling", "1_Pooling"),
        (f"{models}.Normalize", "2_Normalize"),
    )
    _sentence_transformers(folder, prompts={}, similarity_fn_name="cosine")
    return Family(folder, Kind.DENSE, document_prompt="passage: ", query_prompt="query: ")


def _splade_pooling(folder: Path, vocabulary: int) -> None:
    config = {"pooling_strategy": "max", "activation_function": "relu", "word_embedding_dimension": vocabulary}
    _write(folder / "config.json", config)


def _modules(folder: Path, *modules: tuple[str, str]) -> None:
    entries = [{"idx": i, "name": str(i), "path": path, "type": kind} for i, (kind, path) in enumerate(modules)]
    _write(folder / "modules.json", entries)


def _sentence_transformers(folder: Path, **config: Any) -> None:
    common = {"__version__": _VERSIONS, "prompts": {"query": "", "document": ""}, "default_prompt_name": None}
    _write(folder / "config_sentence_transformers.json", {**common, **config})


def _write(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=2), encoding="utf-8")


def _word_pieces(folder: Path) -> None:
    """The word pieces of all-MiniLM-L6-v2, which are BERT's own 30,522."""
    folder.mkdir(parents=True, exist_ok=True)
    packaged = locate(MINILM, None).path
    for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt"):
        shutil.copyfile(packaged / name, folder / name)


def _byte_level(folder: Path, length: int) -> int:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer = Tokenizer(models.BPE(unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(
        LINES, trainers.BpeTrainer(vocab_size=400, special_tokens=special, initial_alphabet=alphabet)
    )
    ends = [("[CLS]", 2), ("[SEP]", 3)]
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=ends)
    names = {
        "pad_token": "[PAD]",
        "unk_token": "[UNK]",
        "cls_token": "[CLS]",
        "sep_token": "[SEP]",
        "mask_token": "[MASK]",
    }
    _save_tokenizer(tokenizer, folder, length, names)
    return int(tokenizer.get_vocab_size())


def _unigram(folder: Path) -> int:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(vocab_size=300, special_tokens=special, unk_token="<unk>", show_progress=False)
    tokenizer.train_from_iterator(LINES, trainer)
    ends = [("<s>", 0), ("</s>", 2)]
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A </s>", special_tokens=ends)
    names = {"bos_token": "<s>", "cls_token": "<s>", "eos_token": "</s>", "sep_token": "</s>"}
    names |= {"pad_token": "<pad>", "unk_token": "<unk>", "mask_token": "<mask>"}
    _save_tokenizer(tokenizer, folder, 512, names)
    return int(tokenizer.get_vocab_size())


def _save_tokenizer(tokenizer: Any, folder: Path, length: int, names: dict[str, str]) -> None:
    from transformers import PreTrainedTokenizerFast

    PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=length, **names).save_pretrained(folder)
