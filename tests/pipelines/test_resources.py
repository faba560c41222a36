"""Ray's numbers: whatever the cluster and the encoders, every pool fits beside the others and nothing waits forever."""

import pytest

from operators.core.encoder_spec import EncoderSpec
from pipelines.recipe import ResourceSpec
from pipelines.resources import LIGHT_CPUS, Capacity, encoder_pool

HEAVY = EncoderSpec(kind="dense", model="all-MiniLM-L6-v2")
LIGHT = EncoderSpec(kind="sparse", model="idf")


@pytest.mark.parametrize("cpus", [1, 2, 4, 16, 96])
@pytest.mark.parametrize("encoders", [[HEAVY], [HEAVY, LIGHT], [HEAVY] * 2, [HEAVY] * 5, [LIGHT]])
def test_encoder_pool_on_cpus_leaves_room_for_the_stages_that_feed_it(cpus: int, encoders: list[EncoderSpec]) -> None:
    named = {str(number): spec for number, spec in enumerate(encoders)}
    pools = [encoder_pool(spec, named, ResourceSpec(), Capacity(cpus, 0, 1)) for spec in encoders]
    first = sum(pool.cpus * pool.min_actors for pool in pools)
    read, chunk, tokenize, write = (LIGHT_CPUS,) * 4
    assert first + read + chunk + tokenize + write <= cpus + 1e-9
    heavy = [pool for pool, spec in zip(pools, encoders, strict=True) if spec is HEAVY]
    assert sum(pool.max_actors * pool.threads for pool in heavy) <= max(cpus, len(heavy))
    assert all(pool.gpus == 0 for pool in pools)


@pytest.mark.parametrize(("gpus", "encoders", "expected"), [(8, 1, (1.0, 8)), (8, 2, (1.0, 4)), (1, 2, (0.5, 1))])
def test_encoder_pool_on_gpus_shares_them_equally(gpus: int, encoders: int, expected: tuple[float, int]) -> None:
    named = {str(number): HEAVY for number in range(encoders)}
    pool = encoder_pool(HEAVY, named, ResourceSpec(), Capacity(64, gpus, 1))
    assert (pool.gpus, pool.max_actors) == expected


def test_encoder_pool_before_the_first_gpu_is_there_is_one_of_gpus_where_the_recipe_asks_for_them() -> None:
    """An autoscaler adds GPU nodes for actors that wait for one; a pool of CPUs would encode the night without any."""
    asked = ResourceSpec(gpus_per_actor=1, max_actors=4)
    pool = encoder_pool(HEAVY, {"a": HEAVY}, asked, Capacity(8, 0, 1))
    ready = encoder_pool(HEAVY, {"a": HEAVY}, asked, Capacity(8, 4, 2))
    assert pool == ready
    assert (pool.gpus, pool.max_actors) == (1, 4)


def test_encoder_pool_light_model_takes_no_gpu() -> None:
    for asked in (ResourceSpec(), ResourceSpec(gpus_per_actor=1)):
        assert encoder_pool(LIGHT, {"a": HEAVY, "b": LIGHT}, asked, Capacity(64, 8, 1)).gpus == 0


def test_encoder_pool_recipe_has_the_last_word() -> None:
    asked = ResourceSpec(min_actors=2, max_actors=3, gpus_per_actor=0.25, cpus_per_actor=2, threads_per_actor=5)
    pool = encoder_pool(HEAVY, {"a": HEAVY}, asked, Capacity(64, 8, 1))
    assert (pool.min_actors, pool.max_actors, pool.gpus, pool.cpus, pool.threads) == (2, 3, 0.25, 2, 5)


def test_encoder_pool_more_actors_asked_than_allowed_raises_the_bound() -> None:
    assert encoder_pool(HEAVY, {"a": HEAVY}, ResourceSpec(min_actors=4), Capacity(2, 0, 1)).max_actors == 4


@pytest.mark.parametrize("gpus", [0, 8])
def test_encoder_pool_is_given_enough_parts_ahead_for_ray_to_add_actors(gpus: int) -> None:
    """Ray adds an actor once those there hold 1.75 parts for each that they handle at once."""
    for spec in (HEAVY, LIGHT):
        pool = encoder_pool(spec, {"a": HEAVY, "b": LIGHT}, ResourceSpec(), Capacity(64, gpus, 1))
        assert pool.in_flight / pool.calls >= 1.75


def test_encoder_pool_on_a_gpu_takes_longer_windows_than_on_a_cpu() -> None:
    on = [encoder_pool(HEAVY, {"a": HEAVY}, ResourceSpec(), Capacity(64, gpus, 1)) for gpus in (0, 1)]
    assert on[0].window_tokens < on[1].window_tokens
