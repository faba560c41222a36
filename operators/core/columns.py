"""Every column name that crosses a boundary, once."""

DOC_ID = "doc_id"
CHUNK = "chunk"
SPAN_START = "span_start"
SPAN_END = "span_end"
TEXT = "text"
METADATA_PREFIX = "meta."

FILE = "file"
LINE = "line"
TRUNCATED = "truncated"

VECTOR = "vector"
INDICES = "indices"
WEIGHTS = "weights"

KEY = "key128"
CONTENT = "content128"
TEXT_HASH = "text128"
PREFIX = "prefix"
INPUT = "input"
ROWS = "rows"
PART = "part"
ROW = "row"
ORDINAL = "ordinal"
STATE = "state"
REF_KEY = "ref_key128"
REF_PART = "ref_part"
REF_ROW = "ref_row"
REF_ROWS = "ref_rows"

REASON = "reason"
DETAIL = "detail"


def metadata(field: str) -> str:
    """The column that keeps a metadata field of the source."""
    return f"{METADATA_PREFIX}{field}"


def tokens(encoder: str) -> str:
    """The token ids one encoder reads, `list<int32>`, special tokens and prompt included."""
    return f"tokens.{encoder}"


def of_encoder(column: str, encoder: str) -> str:
    """A vector column while several encoders' vectors travel in one table."""
    return f"{column}.{encoder}"


def token_count(encoder: str) -> str:
    """How many tokens one encoder read of a row, kept when the ids themselves are dropped."""
    return f"token_count.{encoder}"
