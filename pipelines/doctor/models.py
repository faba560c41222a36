"""Each encoder's model: is it here, pinned, in safetensors, and of the kind that the recipe says?"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from operators.core.encoder_spec import HASHING, EncoderSpec
from operators.core.model_folder import ModelFolder, missing_models, resolve_model
from operators.core.model_location import Location, is_pinned
from operators.core.model_mirror import is_mirrored
from operators.core.storage import redact
from operators.encode.precision import check_engine
from pipelines.doctor.finding import Finding, fail, looked, ok, warning


def check_models(encoders: Mapping[str, EncoderSpec], *, offline: bool) -> Iterator[Finding]:
    """A line for each encoder; `offline` says that no hub may be asked. Nothing is fetched."""
    for name, spec in encoders.items():
        yield from looked(f"model {name}", partial(_check, f"model {name}", spec, offline=offline))


def _check(check: str, spec: EncoderSpec, *, offline: bool) -> Iterator[Finding]:
    check_engine(spec)
    missing = missing_models(spec)
    if missing and spec.mirror and spec.sha256:
        yield _check_mirror(check, spec.mirror, [each for each in (spec.sha256, spec.base_sha256) if each])
        return
    missing = [(model, revision) for model, revision in missing if is_pinned(model, revision)]
    for model, revision in missing:
        found, fetch = f"{model} at {revision} is not on this machine", f"hf download {model} --revision {revision}"
        if offline:
            yield fail(check, f"{found}, and HF_HUB_OFFLINE is set", f"Fetch it where there is a network: {fetch}")
        else:
            yield warning(check, f"{found}: the first run fetches it from the hub", f"On every node: {fetch}")
    if not missing:
        yield ok(check, _found(spec, resolve_model(spec)))


def _check_mirror(check: str, mirror: str, names: Sequence[str]) -> Finding:
    absent = [name for name in names if not is_mirrored(mirror, name)]
    place = redact(mirror)
    if absent:
        remedy = f"millrace mirror RECIPE {place}, where the model is"
        return fail(check, f"not on this machine, and {place} does not have {', '.join(absent)}", remedy)
    return ok(check, f"not on this machine yet: the first run fetches it from {place}, once")


def _found(spec: EncoderSpec, folder: ModelFolder) -> str:
    if spec.model == HASHING:
        return "hashing: no files"
    base = f", on top of {_place(folder.base)}" if folder.base else ""
    return f"{_place(folder.location)}{base}: safetensors, no code"


def _place(location: Location) -> str:
    return location.commit or str(location.path)
