"""An object of the store, as whatever names it knows it."""

from pydantic import Field

from operators.core.spec import Spec


class StoredFile(Spec):
    """One immutable object, verified by size and sha256 before it is opened; no step of its key leads out or up."""

    key: str = Field(pattern=r"^[a-z][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$", max_length=1024)
    bytes: int = Field(ge=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
