import subprocess
import sys

import numpy as np
import pyarrow as pa

from operators.core import schema
from operators.core.encoder_spec import EncoderSpec, Role
from operators.core.model_folder import resolve_model
from operators.encode.encoder import open_encoder

TOKENS = pa.array([[7, 8, 9], [8, 7, 9], [7, 8, 10], [], [7, 7, 71]], pa.list_(pa.int32()))


def encode(kind, tokens=TOKENS, role=Role.DOCUMENT, dimensions=64):
    spec = EncoderSpec(kind=kind, model="hashing", dimensions=dimensions)
    return open_encoder(spec, resolve_model(spec)).encode(tokens, role)


def test_hashing_dense_is_normalized_and_near_for_shared_words():
    table = encode("dense", dimensions=384)
    assert table.schema == schema.dense(384)
    vectors = np.array(table["vector"].to_pylist())
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), [1, 1, 1, 0, 1], atol=1e-6)
    np.testing.assert_allclose(vectors[0], vectors[1])
    assert 0.5 < vectors[0] @ vectors[2] < 0.85


def test_hashing_dense_is_the_same_everywhere():
    """A change of these numbers changes the fingerprint's meaning: raise ENGINE with it."""
    vector = encode("dense", pa.array([[7]], TOKENS.type), dimensions=12)["vector"].to_pylist()[0]
    assert np.sign(vector).tolist() == [-1, -1, 1, 1, -1, 1, -1, 1, 1, -1, -1, -1]


def test_hashing_rows_do_not_depend_on_their_neighbours():
    alone = encode("dense", TOKENS.slice(2, 1))["vector"].to_pylist()
    assert alone == encode("dense", role=Role.QUERY)["vector"].to_pylist()[2:3]


def test_hashing_sparse_counts_terms_in_ascending_order():
    table = encode("sparse", dimensions=64)
    assert table.schema == schema.SPARSE
    assert table["indices"].to_pylist()[4] == [7]
    assert table["weights"].to_pylist()[4] == [3.0]
    assert table["indices"].to_pylist()[:4] == [[7, 8, 9], [7, 8, 9], [7, 8, 10], []]


def test_hashing_starts_without_torch():
    code = (
        "import sys; from operators.core.encoder_spec import EncoderSpec\n"
        "from operators.encode.actor import EncodeDense\n"
        "from operators.encode.precision import resolve_precision\n"
        "from operators.core.model_folder import resolve_model\n"
        "spec = resolve_precision(EncoderSpec(kind='dense', model='hashing', precision='auto'))\n"
        "EncodeDense('d', spec, resolve_model(spec).document_fingerprint(spec))\n"
        "assert not {'torch', 'transformers', 'sentence_transformers', 'ray'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
