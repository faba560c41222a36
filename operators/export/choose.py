"""Which of a snapshot's encoders go into an export."""

from collections.abc import Collection, Sequence

from operators.core.encoder_spec import Kind
from operators.core.errors import UsageError
from operators.core.manifest import Manifest


def choose_encoders(manifest: Manifest, asked: Sequence[str], kinds: Collection[Kind], what: str) -> tuple[str, ...]:
    """The encoders asked for, or all of the `kinds` that format `what` carries.

    Raises `UsageError` naming the encoders there are where one is unknown or of another kind, or none is left.
    """
    there = {name: Kind(record.kind) for name, record in manifest.encoders.items()}
    named = ", ".join(f"{name} ({kind})" for name, kind in there.items())
    for name in asked:
        if name not in there:
            raise UsageError(f"no encoder {name!r} in snapshot {manifest.snapshot}: expected one of {named}")
        if there[name] not in kinds:
            raise UsageError(f"encoder {name} is {there[name]}: {what} carries {' and '.join(sorted(kinds))} vectors")
    chosen = tuple(dict.fromkeys(asked)) or tuple(name for name, kind in there.items() if kind in kinds)
    if not chosen:
        raise UsageError(
            f"{what} carries {' and '.join(sorted(kinds))} vectors, snapshot {manifest.snapshot} has {named}: choose "
            f"another format"
        )
    return chosen
