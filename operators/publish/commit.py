"""Publication is one create-only write of the next manifest."""

from operators.core import layout
from operators.core.errors import ObjectExistsError, OvertakenError
from operators.core.manifest import Manifest, from_json, to_json
from operators.core.storage import Store


def publish(store: Store, manifest: Manifest) -> Manifest:
    """Create the manifest and return what is published under its number.

    Raises `OvertakenError` where another run took the number. Where this run did (its answer was lost, or it was killed
    right after), the published manifest is returned.
    """
    key = layout.manifest(manifest.snapshot)
    try:
        store.create(key, to_json(manifest))
    except ObjectExistsError:
        published = from_json(store.get(key), store.locate(key))
        if (published.run, published.identity) == (manifest.run, manifest.identity):
            return published
        raise OvertakenError(
            f"not published: snapshot {manifest.snapshot} of {manifest.collection} was published by run "
            f"{published.run} while run {manifest.run} was at work. Run the same command again to publish on top of it"
        ) from None
    return manifest
