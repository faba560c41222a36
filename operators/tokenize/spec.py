"""How documents are cut into chunks."""

from pydantic import Field, model_validator

from operators.core.spec import Spec


class ChunkSpec(Spec):
    """Windows of `tokens` tokens, each starting `tokens - overlap` tokens after the last, counted by one encoder."""

    encoder: str = Field(min_length=1, description="name of the encoder whose tokenizer counts")
    tokens: int = Field(ge=2, description="tokens in a chunk, without prompt and special tokens")
    overlap: int = Field(0, ge=0, description="tokens a chunk shares with the one before")

    @model_validator(mode="after")
    def _advances(self) -> "ChunkSpec":
        if self.overlap >= self.tokens:
            raise ValueError(
                f"overlap {self.overlap} must be smaller than tokens {self.tokens}, or chunks never advance"
            )
        return self
