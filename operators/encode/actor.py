"""Encoding as a stage: loads its model once on the worker, then turns parcels into parcels."""

import time
from dataclasses import replace
from functools import partial
from typing import Any

import pyarrow as pa

from operators.core.encoder_spec import EncoderSpec, Role
from operators.core.errors import IntegrityError
from operators.core.live import Tell, untold
from operators.core.model_folder import ModelFolder, resolve_model
from operators.core.parcel import Encoding, Parcel, advance, from_row
from operators.core.progress import Report, unheard
from operators.core.span import LOADING, Span, begin
from operators.core.watchdog import killed_after
from operators.encode.append import append_vectors
from operators.encode.encoder import Encoder, open_encoder
from operators.encode.isolate import Isolation, Isolator, Pace
from operators.encode.origin import Origins
from operators.encode.speaker import Speaker

#: Rows and tokens a row of the texts that warm an encoder up: short enough for every model.
_WARM_UP = (16, 8)


class _Encode:
    """One encoder of the recipe; raises `IntegrityError` where this worker's model is not the planned one."""

    def __init__(
        self,
        name: str,
        spec: EncoderSpec,
        fingerprint: str,
        threads: int | None = None,
        report: Report = unheard,
        isolation: Isolation | None = None,
        tell: Tell = untold,
    ) -> None:
        loaded = begin(f"{LOADING}{name}")
        self._name, self._report = name, report
        self._encoder = open_encoder(spec, _planned(name, spec, fingerprint), threads=threads)
        isolation = isolation or Isolation()
        self._isolated = Isolator(name, isolation, _warmed_up(self._encoder, isolation.hang_seconds), killed_after)
        self._splits = self._encoder.splits
        self._loaded: tuple[Span, ...] = (loaded(),)
        self._speaker = Speaker(name, tell, self._encoder, self._loaded[0].seconds)

    def __call__(self, row: pa.Table) -> pa.Table:
        """One parcel's row to one parcel's row; the first one carries the span of loading."""
        with self._speaker.working():
            parcel = from_row(row)
            parcel = replace(parcel, spans=(*parcel.spans, *self._loaded))
            self._loaded = ()
            origins = Origins(self._encoder.dimensions)
            work = partial(self._work, parcel.part, origins)
            return self._told(advance(parcel, f"encode {self._name}", work, self._report), origins).to_row()

    def _work(self, part: str, origins: Origins, table: pa.Table) -> tuple[pa.Table, pa.Table]:
        return self._isolated(part, table, partial(self._encode, origins))

    def _encode(self, origins: Origins, table: pa.Table) -> tuple[pa.Table, pa.Table]:
        encoded = append_vectors(table, self._name, self._encoder, origins)
        self._speaker.say()
        return encoded

    def _told(self, parcel: Parcel, origins: Origins) -> Parcel:
        """The parcel with what the encoder says beside its vectors."""
        splits, self._splits = self._encoder.splits - self._splits, self._encoder.splits
        quality = dict(self._encoder.quality)
        encoding = Encoding(self._encoder.dimensions, splits, origins.terms, origins.expansions, quality)
        return replace(parcel, encoders={**parcel.encoders, self._name: encoding})


class EncodeDense(_Encode):
    """A dense encoder; the class's name is what dashboards show."""


class EncodeSparse(_Encode):
    """A sparse encoder; the class's name is what dashboards show."""


def _planned(name: str, spec: EncoderSpec, fingerprint: str) -> ModelFolder:
    folder = resolve_model(spec)
    found = folder.document_fingerprint(spec)
    if found != fingerprint:
        raise IntegrityError(
            f"encoder {name}: {folder.path} on this worker has fingerprint {found}, the plan says {fingerprint}: "
            "copy the planned model here, or pin a hub commit"
        )
    return folder


def _warmed_up(encoder: Encoder, least: float) -> Pace:
    """Encode twice: the first time pays for what is made on first use, the second gives a first idea of the speed."""
    rows, length = _WARM_UP
    tokens: Any = pa.array([[0] * length] * rows, pa.list_(pa.int32()))
    encoder.encode(tokens, Role.DOCUMENT)
    start = time.perf_counter()
    encoder.encode(tokens, Role.DOCUMENT)
    pace = Pace(least)
    pace.add(rows * length, time.perf_counter() - start)
    return pace
