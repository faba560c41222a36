"""What names an encoder: everything that changes a number it produces, and the few things that change its speed."""

import re
from enum import StrEnum

from pydantic import Field, field_validator, model_validator

from operators.core.spec import Spec
from operators.core.storage import redact

#: Models that need no hub: a dense model from a package, a sparse one on top of it that comes with Millrace, static
#: weights fitted on the corpus, and a hashing stand-in.
MINILM = "all-MiniLM-L6-v2"
MINILM_SPARSE = "minilm-sparse"
IDF = "idf"
HASHING = "hashing"
#: Models whose queries carry weights fitted on the corpus, so that a query needs no model.
FITTED = (IDF, MINILM_SPARSE)
_SHA256 = r"^[0-9a-f]{64}$"


class Kind(StrEnum):
    """What an encoder's vectors are."""

    DENSE = "dense"
    SPARSE = "sparse"


class Role(StrEnum):
    """Which side of the search a text is on."""

    DOCUMENT = "document"
    QUERY = "query"


class Precision(StrEnum):
    """Number format of weights and activations; `auto` is bfloat16 where the device is fast at it, else float32.

    float16 is for GPUs, int8 for `engine: openvino`.
    """

    AUTO = "auto"
    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"
    FLOAT16 = "float16"
    INT8 = "int8"


class Engine(StrEnum):
    """What runs a model: `auto` is our own engine where it covers the architecture, else the model's own forward."""

    AUTO = "auto"
    SENTENCE_TRANSFORMERS = "sentence-transformers"
    OPENVINO = "openvino"


class EncoderSpec(Spec):
    """One encoder of a recipe. `device` and `batch_tokens` change its speed alone, everything else its vectors.

    `sha256`, `base_sha256` and `mirror` change nothing: they say which files the model must have, and where from.
    """

    kind: Kind
    model: str = Field(
        min_length=1,
        description="a local folder, a hub id (with revision), or all-MiniLM-L6-v2, minilm-sparse, idf, hashing",
    )
    revision: str | None = Field(None, description="commit of a hub model, 40 hex digits")
    base_revision: str | None = Field(None, description="commit of the base model, where model is a PEFT adapter")
    sha256: str | None = Field(
        None, pattern=_SHA256, description="of the model's files, names and contents; `millrace lock` fills it in"
    )
    base_sha256: str | None = Field(None, pattern=_SHA256, description="of the base model's files")
    mirror: str | None = Field(
        None, min_length=1, description="folder or URI that `millrace mirror` filled, where a machine has not the model"
    )
    tokenizer: str = Field(MINILM, description="model idf: the model whose word pieces carry the weights")
    document_prompt: str | None = Field(None, description="put before every document; by default what the model saved")
    query_prompt: str | None = Field(None, description="put before every query; by default what the model saved")
    max_length: int | None = Field(
        None, ge=2, le=131_072, description="tokens kept of a text; the model's own by default"
    )
    max_active_dims: int | None = Field(None, ge=1, description="sparse: largest weights kept of a vector")
    dimensions: int = Field(384, ge=1, description="model hashing: length of its vectors")
    precision: Precision = Precision.FLOAT32
    engine: Engine = Engine.AUTO
    device: str = Field("auto", pattern=r"^(auto|cpu|cuda(:\d+)?)$")
    batch_tokens: int | None = Field(None, ge=128, description="tokens a forward pass; default: by device")

    @field_validator("revision", "base_revision")
    @classmethod
    def _pinned(cls, revision: str | None) -> str | None:
        if revision is not None and not re.fullmatch("[0-9a-f]{40}", revision):
            raise ValueError("expected a commit of 40 hex digits (a branch or tag can move)")
        return revision

    @field_validator("mirror")
    @classmethod
    def _public(cls, mirror: str | None) -> str | None:
        if mirror and redact(mirror) != mirror:
            raise ValueError("expected an address without user, password and query: it is kept with every snapshot")
        return mirror

    @model_validator(mode="after")
    def _consistent(self) -> "EncoderSpec":
        if self.kind is Kind.DENSE and self.max_active_dims is not None:
            raise ValueError("max_active_dims is for kind: sparse")
        if self.model in FITTED and self.kind is not Kind.SPARSE:
            raise ValueError(f"model {self.model} is kind: sparse")
        if self.model == MINILM_SPARSE and self.engine is not Engine.AUTO:
            raise ValueError(f"model {MINILM_SPARSE} runs on Millrace's own engine alone: remove engine")
        if self.precision is Precision.INT8 and self.engine is not Engine.OPENVINO:
            raise ValueError("precision int8 is for engine: openvino")
        return self


class TokenizerSpec(Spec):
    """How one encoder turns text into ids on one side: `folder` holds the tokenizer's files on this machine."""

    folder: str
    max_length: int
    prompt: str = ""
    special_tokens: bool = True
    lowercase: bool = False
