"""What the Hugging Face hub calls a model now: the one question asked of it beside fetching a commit."""

from operators.core.errors import UsageError


def newest_commit(model: str, revision: str | None = None) -> str:
    """The commit that a branch or tag (by default the main branch) of a hub model is at; raises `UsageError`."""
    from huggingface_hub import HfApi  # a second that local models need not wait

    try:
        found = HfApi().model_info(model, revision=revision).sha
    except Exception as error:  # its client lets through whatever its HTTP library raises
        raise UsageError(
            f"model {model}: the hub does not tell its commit ({type(error).__name__}). Name it in the recipe, as "
            f"revision (or base_revision of an adapter's base): git ls-remote https://huggingface.co/{model} HEAD"
        ) from error
    if not found:
        raise UsageError(f"model {model}: the hub names no commit. Name it in the recipe as revision")
    return str(found)
