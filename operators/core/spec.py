"""The base of every frozen specification: unknown keys are refused, values never change."""

from pydantic import BaseModel, ConfigDict


class Spec(BaseModel):
    """A frozen value that a recipe, a plan or a manifest is made of."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
