"""What writes each format."""

from collections.abc import Mapping

from operators.export.anserini import ANSERINI
from operators.export.ciff import CIFF
from operators.export.csr import CSR
from operators.export.elasticsearch import ELASTICSEARCH
from operators.export.faiss_index import FAISS
from operators.export.format import Format
from operators.export.lance import LANCE
from operators.export.layout import Layout
from operators.export.milvus import MILVUS
from operators.export.opensearch import OPENSEARCH
from operators.export.qdrant import QDRANT

LAYOUTS: Mapping[Format, Layout] = {
    Format.OPENSEARCH: OPENSEARCH,
    Format.ELASTICSEARCH: ELASTICSEARCH,
    Format.QDRANT: QDRANT,
    Format.MILVUS: MILVUS,
    Format.LANCE: LANCE,
    Format.ANSERINI: ANSERINI,
    Format.CIFF: CIFF,
    Format.CSR: CSR,
    Format.FAISS: FAISS,
}
