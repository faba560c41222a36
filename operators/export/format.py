"""The formats there are, by name."""

from enum import StrEnum


class Format(StrEnum):
    """The engine or layout that an export is for."""

    OPENSEARCH = "opensearch"
    ELASTICSEARCH = "elasticsearch"
    QDRANT = "qdrant"
    MILVUS = "milvus"
    LANCE = "lance"
    ANSERINI = "anserini"
    CIFF = "ciff"
    CSR = "csr"
    FAISS = "faiss"
