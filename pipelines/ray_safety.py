"""Environment variables that let Ray Data run code out of the data it reads: refused on driver and workers."""

import os
from collections.abc import Mapping, Sequence

from operators.core.errors import UsageError

#: Each makes Ray 2.60 unpickle something that a Parquet, Arrow or tar file holds, or write such files. All are off by
#: default since CVE-2023-47248 and CVE-2026-41486.
UNSAFE = (
    "RAY_DATA_AUTOLOAD_CLOUDPICKLE_TENSOR_METADATA",
    "RAY_DATA_AUTOLOAD_PICKLE_OBJECT_SCALAR",
    "RAY_DATA_AUTOLOAD_PYEXTENSIONTYPE",
    "RAY_DATA_WEBDATASET_ALLOW_UNSAFE_DESERIALIZATION",
    "RAY_DATA_ARROW_EXTENSION_SERIALIZATION_CLOUDPICKLE",
)
_OFF = ("", "0", "false")


def unsafe_variables(environment: Mapping[str, str]) -> Sequence[str]:
    """Those of `UNSAFE` that are set to anything but off."""
    return [name for name in UNSAFE if environment.get(name, "").strip().lower() not in _OFF]


def refuse_unsafe_environment() -> None:
    """Raise `UsageError` naming what is set in this process; costs microseconds, so that every task may ask."""
    if found := unsafe_variables(os.environ):
        raise UsageError(
            f"{', '.join(found)} is set: with it Ray Data runs code that a data file holds. Unset it here and on every "
            f"node (the pod's env, the shell of `ray start`), then run the same command again"
        )
