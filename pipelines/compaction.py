"""`millrace compact`: a run that reads no source and encodes nothing, and merges what is stored."""

from operators.core.errors import UsageError
from operators.core.fingerprint import fingerprint
from operators.ledger.inputs import PlannedInputs
from operators.publish.chain import read_manifest
from operators.publish.identity import Identity
from pipelines.job import Job, collection_store, documents_fingerprint, known_inputs_of, plan_encoders
from pipelines.recipe import Recipe
from pipelines.source import Source


def plan_compaction(recipe: Recipe) -> Job:
    """A job that rewrites every segment with dead rows, and all of them where there are several.

    Raises `UsageError` where the newest snapshot was not made by this recipe.
    """
    store = collection_store(recipe)
    parent = read_manifest(store)
    encoders = plan_encoders(recipe.encoders, parent)
    identity = Identity(
        collection=recipe.collection,
        source=parent.source.token,
        documents=documents_fingerprint(recipe, encoders),
        encoders={name: encoder.fingerprint for name, encoder in encoders.items()},
        index=fingerprint(recipe.index),
    )
    made = {name: encoder.fingerprint for name, encoder in parent.encoders.items()}
    if (identity.documents, dict(identity.encoders)) != (parent.documents_fingerprint, made):
        raise UsageError(
            f"snapshot {parent.snapshot} of {store.locate('')} was made with other encoders or another reading of the "
            f"source than the recipe says: run millrace index first, which merges small segments too"
        )
    inputs = PlannedInputs(tuple(known_inputs_of(store, parent)), frozenset(), whole=True)
    before = parent.source
    source = Source((), True, before.problems, before.table, before.staged)
    return Job(recipe, store, parent, source, inputs, encoders, identity, compaction=True)
