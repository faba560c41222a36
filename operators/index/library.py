"""Which FAISS is installed here."""

from dataclasses import dataclass
from importlib.metadata import packages_distributions


@dataclass(frozen=True)
class Faiss:
    """The package that brings it (`faiss-cpu`, `faiss-gpu`), its version, and the GPUs that it can use."""

    package: str
    version: str
    gpus: int


def look_at_faiss() -> Faiss:
    """Ask the library; raises `ImportError` where none is installed, or its compiled part does not load."""
    import faiss

    packages = sorted(set(packages_distributions().get("faiss", ())))
    count = faiss.get_num_gpus() if hasattr(faiss, "get_num_gpus") else 0
    return Faiss(" and ".join(packages) or "unknown", faiss.__version__, int(count))
