"""Encoding as a stage: loads its model once on the worker, then turns parcels into parcels."""

from dataclasses import replace

import pyarrow as pa

from operators.core.encoder_spec import EncoderSpec
from operators.core.errors import IntegrityError
from operators.core.model_folder import resolve_model
from operators.core.parcel import advance, from_row
from operators.core.progress import Report, unheard
from operators.encode.append import append_vectors
from operators.encode.encoder import open_encoder


class _Encode:
    """One encoder of the recipe; raises `IntegrityError` where this worker's model is not the planned one."""

    def __init__(
        self, name: str, spec: EncoderSpec, fingerprint: str, threads: int | None = None, report: Report = unheard
    ) -> None:
        folder = resolve_model(spec)
        found = folder.document_fingerprint(spec)
        if found != fingerprint:
            raise IntegrityError(
                f"encoder {name}: {folder.path} on this worker has fingerprint {found}, the plan says {fingerprint}: "
                "copy the planned model here, or pin a hub commit"
            )
        self._name = name
        self._report = report
        self._encoder = open_encoder(spec, folder, threads=threads)

    def __call__(self, row: pa.Table) -> pa.Table:
        """One parcel's row to one parcel's row."""
        parcel = advance(from_row(row), f"encode {self._name}", self._work, self._report)
        dimensions = {**parcel.dimensions, self._name: self._encoder.dimensions}
        return replace(parcel, dimensions=dimensions).to_row()

    def _work(self, table: pa.Table) -> tuple[pa.Table, pa.Table]:
        return append_vectors(table, self._name, self._encoder)


class EncodeDense(_Encode):
    """A dense encoder; the class's name is what dashboards show."""


class EncodeSparse(_Encode):
    """A sparse encoder; the class's name is what dashboards show."""
