"""What the encoders and index builds of a recipe need, as far as it is known before a run."""

from dataclasses import dataclass
from math import ceil

from operators.core.encoder_spec import EncoderSpec, Kind, Precision
from operators.core.errors import MillraceError
from operators.core.manifest import Manifest
from operators.core.model_folder import ModelFolder, is_model_at_hand, resolve_model
from operators.core.model_size import dimensions, parameters
from operators.index.room import Room, dense_room, sparse_room
from pipelines.recipe import Recipe
from pipelines.resources import Capacity, encoder_pool

#: Bytes of a weight. `auto` is counted as what it takes at most.
_BYTES = {Precision.BFLOAT16: 2, Precision.FLOAT16: 2, Precision.INT8: 1}
_FLOAT = 4


@dataclass(frozen=True)
class Needs:
    """Estimates: bytes of all actors' `weights`, the `index` builds that run at once, and what they are reckoned from.

    `rows` are those of one index, `builds` how many are built at once. `unknown` are encoders of which it is not known.
    """

    weights: int
    index: Room
    rows: int
    builds: int
    basis: str
    unknown: tuple[str, ...]


def needs_of(recipe: Recipe, parent: Manifest | None, here: Capacity) -> Needs:
    """By the rows of the newest snapshot, else for a full segment."""
    held = parent.counts.rows if parent else recipe.index.segment_rows
    rows = max(1, min(held, recipe.index.segment_rows))
    rooms = {name: _room(recipe, name, rows, parent) for name in recipe.encoders}
    known = [room for room in rooms.values() if room]
    segments = ceil(held / recipe.index.segment_rows) or 1
    builds = max(1, min(int(here.cpus), len(known) * segments))
    total = sum(known, Room(0, 0))
    share = builds / len(known) if known else 0
    return Needs(
        weights=sum(_weights(recipe, spec, here) for spec in recipe.encoders.values()),
        index=Room(int(total.memory * share), int(total.disk * share)),
        rows=rows,
        builds=builds,
        basis=f"as in snapshot {parent.snapshot}" if parent else "a full segment, as nothing is published yet",
        unknown=tuple(name for name, room in rooms.items() if room is None),
    )


def _room(recipe: Recipe, name: str, rows: int, parent: Manifest | None) -> Room | None:
    spec, before = recipe.encoders[name], parent.encoders.get(name) if parent else None
    if spec.kind is Kind.SPARSE:
        active = before.statistics.get("active_dims") if before else None
        return None if active is None else sparse_room(rows, active)
    width = before.dimensions if before else _width(spec)
    return None if width is None else dense_room(recipe.index, rows, width)


def _width(spec: EncoderSpec) -> int | None:
    folder = _folder(spec)
    return dimensions(spec, folder) if folder else None


def _weights(recipe: Recipe, spec: EncoderSpec, here: Capacity) -> int:
    """Of all actors on this machine that hold theirs in its memory; those on GPUs hold them there."""
    pool = encoder_pool(spec, recipe.encoders, recipe.resources, here)
    folder = None if pool.gpus else _folder(spec)
    return pool.max_actors * parameters(spec, folder) * _BYTES.get(spec.precision, _FLOAT) if folder else 0


def _folder(spec: EncoderSpec) -> ModelFolder | None:
    """None where the model is not here or not usable, which its own check says."""
    try:
        return resolve_model(spec) if is_model_at_hand(spec) else None
    except MillraceError:
        return None
