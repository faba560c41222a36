"""Keys that look like secrets are refused by name, and their values shown to nobody."""

from pathlib import Path

import pytest

from operators.core.errors import UsageError
from pipelines.load import load_recipe
from pipelines.recipe import Recipe
from pipelines.secret_keys import refuse_secrets
from tests.pipelines.test_load import GOOD, RECIPES

VALUE = "hunter2-hidden"


@pytest.mark.parametrize(
    "name",
    [
        "password", "db_password", "passwd", "secret", "client-secret", "token", "HF_TOKEN", "auth_token", "api_key",
        "apiKey", "aws_secret_access_key", "awsAccessKeyId", "s3.access-key-id", "credentials", "private_key",
    ],
)  # fmt: skip
@pytest.mark.parametrize("place", ["{}", "store_options.{}", "source.{}", "encoders.dense.{}"])
def test_recipe_with_a_key_that_looks_like_a_secret_is_refused_and_its_value_not_told(
    tmp_path: Path, name: str, place: str
) -> None:
    path = tmp_path / "r.yaml"
    path.write_text(GOOD)
    values: dict[str, object] = {}
    inner = values
    *above, last = [*place.split(".")[:-1], name]
    for step in above:
        inner = inner.setdefault(step, {})  # type: ignore[assignment]
    inner[last] = [VALUE]
    with pytest.raises(UsageError) as refused:
        refuse_secrets(values, path)
    assert place.format(name) in str(refused.value)
    assert VALUE not in str(refused.value)


def test_load_recipe_with_a_secret_says_so_before_any_other_mistake(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_text(f"{GOOD}\naws: {{secret_access_key: {VALUE}}}\n")
    for overrides in ([], ["publish.zzz=1"], [f"encoders.dense.api_key={VALUE}"]):
        with pytest.raises(UsageError, match="looks like a secret") as refused:
            load_recipe(path, overrides)
        assert VALUE not in str(refused.value)


def test_no_key_of_a_recipe_looks_like_a_secret(tmp_path: Path) -> None:
    """Or nobody could set it."""

    def names(schema: object) -> set[str]:
        if isinstance(schema, dict):
            below = {name for value in schema.values() for name in names(value)}
            return below | set(schema.get("properties", {}))
        return {name for value in schema for name in names(value)} if isinstance(schema, list) else set()

    known = names(Recipe.model_json_schema())
    assert {"shard_key", "batch_tokens", "tokenizer", "recall_k"} <= known
    refuse_secrets(dict.fromkeys(known, "x"), tmp_path)
    for path in RECIPES.glob("*.yaml"):
        load_recipe(path)


def test_secret_that_an_environment_variable_holds_may_be_named(tmp_path: Path) -> None:
    refuse_secrets({"options": {"s3.secret-access-key": "env:AWS_SECRET_ACCESS_KEY"}}, tmp_path)
    with pytest.raises(UsageError):
        refuse_secrets({"options": {"s3.secret-access-key": "env:not a name"}}, tmp_path)


@pytest.mark.parametrize(
    "wrong",
    [
        "source.uri=['https://me:hunter2-hidden@host/a?sig=hunter2-hidden', 'https://me:hunter2-hidden@host/a?sig=hunter2-hidden']",
        "source.uri=['https://me:hunter2-hidden@host/a', 5]",
        "store=['s3://me:hunter2-hidden@bucket']",
        "chunking='https://me:hunter2-hidden@host/a'",
        'store="https://me:hunter2-hidden@host/',
        "collection.x=https://me:hunter2-hidden@host/",
        "collection.https://me:hunter2-hidden@host/",
    ],
)
def test_mistake_beside_an_address_does_not_tell_its_password(tmp_path: Path, wrong: str) -> None:
    path = tmp_path / "r.yaml"
    path.write_text(GOOD)
    with pytest.raises(UsageError) as refused:
        load_recipe(path, [wrong])
    assert VALUE not in str(refused.value)


def test_recipe_that_is_not_yaml_does_not_tell_the_passwords_of_its_lines(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_text(f"store: s3://me:{VALUE}@bucket/[\n  x: [")
    with pytest.raises(UsageError, match="is not YAML") as refused:
        load_recipe(path)
    assert VALUE not in str(refused.value)
