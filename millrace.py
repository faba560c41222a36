"""The front door for Python users: open a snapshot, search it, load a recipe."""

from operators.core.errors import MillraceError
from operators.search.fusion import Convex, ReciprocalRank
from operators.search.hit import Hit
from operators.search.mode import Mode
from operators.search.snapshot import Snapshot
from pipelines.load import load_recipe
from pipelines.recipe import Recipe

__all__ = ["Convex", "Hit", "MillraceError", "Mode", "Recipe", "ReciprocalRank", "Snapshot", "load_recipe"]
