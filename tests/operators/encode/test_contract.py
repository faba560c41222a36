"""Every kind of encoder keeps the encoders' contract."""

import pytest

from operators.core.encoder_spec import EncoderSpec
from tests.contracts.encoder import EncoderContract
from tests.families import FAMILIES

STAND_INS = {
    "hashing dense": EncoderSpec(kind="dense", model="hashing", dimensions=64),
    "hashing sparse": EncoderSpec(kind="sparse", model="hashing", dimensions=5000),
    "idf": EncoderSpec(kind="sparse", model="idf"),
}


class TestEncoders(EncoderContract):
    @pytest.fixture(params=[*STAND_INS, *FAMILIES])
    def spec(self, request, family) -> EncoderSpec:
        return STAND_INS.get(request.param) or family(request.param).spec(batch_tokens=256)


class TestMinilmSparse(EncoderContract):
    """Weights are differences of scores times a gain of 90, and so is what float32 rounds: as stated for sparse models."""

    tolerance = 1e-4

    @pytest.fixture
    def spec(self) -> EncoderSpec:
        return EncoderSpec(kind="sparse", model="minilm-sparse")
