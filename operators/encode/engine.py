"""Our engine: any model of sentence-transformers, its batches packed where the architecture is known, in any order."""

import logging
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import torch

from operators.core.encoder_spec import EncoderSpec, Engine, Kind, Role
from operators.core.errors import MillraceError
from operators.core.model_folder import ModelFolder
from operators.encode.allocation import keep_freed_memory
from operators.encode.batches import even_budget
from operators.encode.coverage import packed_runner, route, switch_to_packed
from operators.encode.crew import Crew
from operators.encode.device import in_flight
from operators.encode.occupancy import Occupancy
from operators.encode.outlet import Outlet, dense_outlet, sparse_outlet
from operators.encode.own_forward import OwnForward
from operators.encode.ragged import ragged
from operators.encode.runner import Rows, Runner
from operators.encode.sentence_transformer import load

_LOG = logging.getLogger(__name__)
#: Shorter rows count as this many tokens: a sparse row costs its whole vocabulary, so 8192 one-word queries took 2 GB.
_SHORTEST = 16
#: Tokens a forward pass. A CPU's caches hold the activations of so many; a GPU is kept busy by no fewer.
_BATCH_TOKENS = {"cpu": 4096, "cuda": 32_768}
#: A sparse model's own forward makes a score for each padded token and each of 30,000 to 50,000 word pieces.
_BATCH_TOKENS_SCORED = 2048


class EngineEncoder:
    """A dense or sparse model; vectors equal sentence-transformers' own `encode_document` and `encode_query`.

    With `threads` the process is taken for one that does nothing else: on a CPU each of them computes a batch of its
    own, and the allocator is set for it.
    """

    def __init__(self, spec: EncoderSpec, folder: ModelFolder, threads: int | None = None) -> None:
        if threads is not None:
            torch.set_num_threads(threads)
            keep_freed_memory()
        model = load(spec, folder)
        limit = folder.max_active_dims(spec) or getattr(model, "max_active_dims", None)
        self.device: torch.device = model.device
        self._crew = Crew(threads) if threads and threads > 1 and self.device.type == "cpu" else None
        self._runners = _runners(spec, folder, model, limit)
        self._budgets = {
            role: spec.batch_tokens or _budget(spec, model, runner) for role, runner in self._runners.items()
        }
        self._truncate = getattr(model, "truncate_dim", None)
        self.splits = 0
        self.occupancy = Occupancy()
        self.quality: dict[str, float] = {}
        self.dimensions = int(self._run([np.zeros(1, np.int32)], Role.DOCUMENT).shape[1])
        self._outlet: Outlet = sparse_outlet(limit) if spec.kind is Kind.SPARSE else dense_outlet(self.dimensions)

    def encode(self, tokens: "pa.ListArray[Any]", role: Role) -> pa.Table:
        """See `Encoder`."""
        rows = ragged(tokens)
        lengths, most = np.maximum(rows.lengths, _SHORTEST), self._budgets[role]
        budget = even_budget(lengths, most, self._crew.threads) if self._crew else most
        plan = self._runners[role].plan(lengths, budget)
        self.occupancy.add(plan, rows.lengths, most, self._runners[role].places)
        batches = ([rows.row(number) for number in batch] for batch in plan)
        table = self._outlet.table(self._computed(batches, role))
        places = np.argsort(np.concatenate([np.empty(0, np.int64), *plan]))
        return table.take(pa.array(places, pa.int64()))

    def _computed(self, batches: Iterable[Rows], role: Role) -> Iterable[Any]:
        """What leaves the device of every batch, in order."""
        if self._crew:
            return self._crew.each(lambda rows: self._outlet.start(self._run(rows, role))(), batches)
        # While the device computes a batch, the one before it is selected and copied out.
        ahead = 1 if self.device.type == "cuda" else 0
        parts = (vectors for rows in batches for vectors in self._within_memory(rows, role))
        return in_flight(map(self._outlet.start, parts), ahead)

    def _within_memory(self, rows: Rows, role: Role) -> Iterator[torch.Tensor]:
        """One batch, in halves where the device has not the memory for it, in order."""
        try:
            vectors = self._run(rows, role)
        except torch.OutOfMemoryError as error:
            if len(rows) == 1:
                raise MillraceError(
                    f"the device has not the memory for one text of {len(rows[0]):,} tokens: set a smaller max_length, "
                    "or precision: bfloat16"
                ) from error
        else:
            yield vectors
            return
        # Outside the handler: the exception holds the failed batch's tensors alive.
        self.splits += 1
        torch.cuda.empty_cache()
        half = len(rows) // 2
        yield from self._within_memory(rows[:half], role)
        yield from self._within_memory(rows[half:], role)

    def _run(self, rows: Rows, role: Role) -> torch.Tensor:
        return self._runners[role].run(rows)[:, : self._truncate]


def _runners(spec: EncoderSpec, folder: ModelFolder, model: Any, limit: int | None) -> dict[Role, Runner]:
    """Packed for both roles or for none, where they share a transformer: its attention is switched for good."""
    own: dict[Role, Runner] = {role: OwnForward(model, role, folder.prompt(spec, role), limit) for role in Role}
    if spec.engine is not Engine.AUTO:
        return own
    packed = {role: packed_runner(model, role) for role in Role}
    readers = {role: getattr(route(model, role)[0], "model", None) for role in Role}
    unpacked = [readers[role] for role in Role if packed[role] is None]
    for role in Role:
        runner = packed[role]
        if runner is not None and not any(readers[role] is other for other in unpacked):
            switch_to_packed(readers[role])
            own[role] = runner
    _tell(folder, own, readers)
    return own


def _tell(folder: ModelFolder, runners: dict[Role, Runner], readers: dict[Role, Any]) -> None:
    unpacked = {
        type(readers[role]).__name__ for role in Role if readers[role] and isinstance(runners[role], OwnForward)
    }
    for name in sorted(unpacked):
        _LOG.warning("%s: %s is not run packed but by its own forward, padded and slower", folder.path, name)


def _budget(spec: EncoderSpec, model: Any, runner: Runner) -> int:
    if spec.kind is Kind.SPARSE and isinstance(runner, OwnForward):
        return _BATCH_TOKENS_SCORED
    return _BATCH_TOKENS[model.device.type]
