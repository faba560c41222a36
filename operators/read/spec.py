"""What a source is: where its files lie, how they are read, and which fields make a document."""

from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, ConfigDict, Field, field_validator, model_validator

from operators.core.spec import Spec
from operators.read.tables.spec import TableFormat, TableSpec, check_table

Format = Literal[
    "jsonl", "parquet", "csv", "tsv", "text", "lines", "datasets", "postgres", "mongo", "delta", "iceberg", "lance"
]

#: Formats whose inputs a table lists.
TABLES: tuple[TableFormat, ...] = get_args(TableFormat)
#: Formats whose inputs are Parquet files.
PARQUET: tuple[Format, ...] = ("parquet", *TABLES)


def _listed(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


_Name = Annotated[str, Field(min_length=1)]
#: One name or several: YAML gives a string or a list, the spec holds a tuple.
_Names = Annotated[tuple[_Name, ...], BeforeValidator(_listed, json_schema_input_type=_Name | tuple[_Name, ...])]


class SourceSpec(Spec):
    """A corpus. In the formats `text` and `lines` a document has no fields: path and line make its id."""

    # An address may hold a password, which must not come back in the message about another field.
    model_config = ConfigDict(hide_input_in_errors=True)

    format: Format
    uri: _Names = Field(
        min_length=1,
        description="folder, file or glob, local or any fsspec URL; one or a list. Of a table its address, or env:NAME",
    )
    table: TableSpec | None = Field(None, description="what is read of a database, and how; of file formats nothing")
    id: str = Field("_id", min_length=1, description="field with the document's id: a string or an integer")
    text: _Names = Field(("text",), min_length=1, description="text fields, joined in this order; empty ones skipped")
    join: str = Field(" ", description="what stands between two text fields")
    metadata: _Names = Field((), description="fields kept beside the text, as strings")
    keep_text: bool = Field(True, description="whether the published documents carry their text")
    max_characters: int = Field(1_000_000, ge=1, description="longer text is cut and counted as truncated")

    @field_validator("uri", "text", "metadata")
    @classmethod
    def _distinct(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        doubled = sorted({name for name in names if names.count(name) > 1})
        if doubled:
            raise ValueError(f"expected each name once, got {', '.join(doubled)} more than once")
        return names

    @model_validator(mode="after")
    def _of_one_kind(self) -> "SourceSpec":
        check_table(self.format, self.uri, self.table)
        return self

    @property
    def is_table(self) -> bool:
        """Whether the inputs are listed by a table, and are Parquet files that are written once."""
        return self.format in TABLES

    def documents_identity(self) -> dict[str, Any]:
        """Everything that shapes a document read from given bytes; where the bytes lie is no part of it."""
        return self.model_dump(mode="json", exclude={"uri", "table"})

    def fields(self) -> tuple[str, ...]:
        """The source's fields that are read, each once."""
        return tuple(dict.fromkeys((self.id, *self.text, *self.metadata)))
