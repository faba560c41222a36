"""Is a switch on that lets Ray Data run code out of data files?"""

from collections.abc import Mapping

from pipelines.doctor.finding import Finding, fail, ok
from pipelines.ray_safety import UNSAFE, unsafe_variables

_CHECK = "ray environment"


def check_environment(environment: Mapping[str, str]) -> Finding:
    """`millrace index` refuses to start with any of them, and so does each of its workers."""
    if found := unsafe_variables(environment):
        return fail(_CHECK, f"{', '.join(found)} is set: Ray Data would run code that a data file holds", "Unset it")
    return ok(_CHECK, f"none of the {len(UNSAFE)} switches is on that let a data file run code")
