"""The model that encodes a query is the one the snapshot was built with, or the search is refused."""

import pytest

from operators.core.encoder_records import EncoderRecord
from operators.core.encoder_spec import EncoderSpec, Kind, Role
from operators.core.errors import IntegrityError
from operators.core.model_folder import resolve_model
from operators.encode.encoder import Encoder, open_encoder
from operators.search import query
from operators.search.query import open_query_encoder
from operators.tokenize.tokenizer import Tokenizer

TEXTS = ["parse a JSON string", "sort a list by a key", ""]


def record(spec: EncoderSpec, **changes: object) -> EncoderRecord:
    folder = resolve_model(spec)
    facts = {
        "kind": spec.kind,
        "fingerprint": folder.document_fingerprint(spec),
        "spec": spec.model_dump(mode="json"),
        "dimensions": open_encoder(spec, folder, {}, None).dimensions,
    }
    return EncoderRecord.model_validate(facts | changes)


@pytest.mark.parametrize("kind", list(Kind))
def test_query_encoder_reads_the_query_side(kind: Kind) -> None:
    spec = EncoderSpec(kind=kind, model="hashing", dimensions=64, query_prompt="query: ", device="cpu")
    found = open_query_encoder("own", record(spec), {}).encode(TEXTS)
    folder = resolve_model(spec)
    tokens, _ = Tokenizer(folder.tokenizer(spec, Role.QUERY)).tokenize(TEXTS)
    assert found.equals(open_encoder(spec, folder, {}, None).encode(tokens, Role.QUERY))
    plain = open_query_encoder("own", record(spec.model_copy(update={"query_prompt": ""})), {}).encode(TEXTS)
    assert not found.equals(plain)


def test_query_encoder_of_a_snapshot_built_on_a_gpu_opens_here(monkeypatch: pytest.MonkeyPatch) -> None:
    built = record(EncoderSpec(kind=Kind.DENSE, model="hashing", device="cuda:3"))
    devices = []

    def spy(spec: EncoderSpec, *rest: object) -> Encoder:
        devices.append(spec.device)
        return open_encoder(spec, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(query, "open_encoder", spy)
    assert open_query_encoder("own", built, {}).encode(TEXTS).num_rows == 3
    assert devices == ["auto"]


def test_query_encoder_of_other_model_files_is_refused() -> None:
    spec = EncoderSpec(kind=Kind.DENSE, model="hashing")
    with pytest.raises(
        IntegrityError, match=r"encoder own: .* model hashing .* expected fingerprint 0123, got .* Restore"
    ):
        open_query_encoder("own", record(spec, fingerprint="0123"), {})
    with pytest.raises(IntegrityError, match="expected vectors of 7 dimensions"):
        open_query_encoder("own", record(spec, dimensions=7), {})
