"""How long the documents of a plan would take, by what an earlier run of the collection measured. No guesses."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from operators.core import layout
from operators.core.errors import ObjectMissingError
from operators.core.storage import Store
from operators.ledger.inputs import KnownInput
from operators.publish.outcome import last_outcomes
from operators.report.run_report import RunReport
from operators.report.write import JSON

#: Ends of runs that are looked through, and reports that are read: of two weeks of nights the one that did most.
_ENDS, _REPORTS = 60, 14
_ENCODE = "encode"


@dataclass(frozen=True)
class EncoderPace:
    """What one encoder did in a run: seconds of all its workers together, and tokens, for `documents`."""

    documents: int
    worker_seconds: float
    tokens: float


@dataclass(frozen=True)
class Pace:
    """A run that encoded `documents` in `seconds` of wall-clock time, from its start to its publication.

    `cpus` and `gpus` are those of the cluster when it was joined, None where the run did not keep them. `encoders` are
    those whose vectors it made as the plan would. `bytes` is what the snapshot takes for each of its documents.
    """

    run: str
    documents: int
    seconds: float
    bytes: float
    cpus: float | None
    gpus: float | None
    encoders: Mapping[str, EncoderPace]


def measured_pace(store: Store, fingerprints: Mapping[str, str]) -> Pace | None:
    """Of the last runs with a report, the one that encoded the most documents by one of these encoders (by name)."""
    paces = [pace for report in _reports(store) if (pace := _pace(report, fingerprints)).encoders]
    return max(paces, key=lambda pace: pace.documents, default=None)


def _reports(store: Store) -> Iterator[RunReport]:
    ends = last_outcomes(store, _ENDS)
    published = dict.fromkeys(end.run for end in ends if end.outcome == "published")
    for run in list(published)[:_REPORTS]:
        try:
            yield RunReport.model_validate_json(store.get(layout.run_file(run, JSON)))
        except (ObjectMissingError, ValidationError):
            # Pruned, or of another version of Millrace: it tells nothing, and others may.
            continue


def _pace(report: RunReport, fingerprints: Mapping[str, str]) -> Pace:
    names = {record.fingerprint: name for name, record in report.encoders.items()}
    there = {name: names[fingerprint] for name, fingerprint in fingerprints.items() if fingerprint in names}
    found = {name: _encoder_pace(report, before) for name, before in there.items()}
    last = report.attempts[-1] if report.attempts else None
    return Pace(
        run=report.run,
        documents=report.encoded,
        seconds=report.seconds,
        bytes=report.bytes / max(1, report.documents),
        cpus=last.cpus if last else None,
        gpus=last.gpus if last else None,
        encoders={name: pace for name, pace in found.items() if pace.worker_seconds},
    )


def _encoder_pace(report: RunReport, name: str) -> EncoderPace:
    lengths = report.token_lengths.get(name)
    seconds = report.busy.get(f"{_ENCODE} {name}", 0.0) if report.encoded else 0.0
    return EncoderPace(report.encoded, seconds, lengths.total if lengths else 0.0)


def documents_in(read_bytes: int, known: Iterable[KnownInput]) -> int | None:
    """Documents in so many bytes of inputs, by those that the newest snapshot was made from; None where there are none.

    All documents are counted, and a night encodes those that changed: it is the most there can be.
    """
    counted = [(each.documents, each.bytes) for each in known if each.documents and each.bytes]
    if not counted:
        return None
    return round(read_bytes * sum(number for number, _ in counted) / sum(size for _, size in counted))


@dataclass(frozen=True)
class EncoderSize:
    """What an encoder has to do: tokens, and hours of all its workers together."""

    tokens: int
    worker_hours: float


@dataclass(frozen=True)
class Size:
    """An estimate for `documents`: `hours` of wall-clock time at the measured pace, and bytes that are added."""

    documents: int
    hours: float
    bytes: int
    encoders: Mapping[str, EncoderSize]


def size_of(documents: int, pace: Pace) -> Size:
    """So many documents at a measured pace, on machines as they were then."""
    share = documents / pace.documents
    encoders = {
        name: EncoderSize(round(each.tokens * share), each.worker_seconds * share / 3600)
        for name, each in pace.encoders.items()
    }
    return Size(documents, pace.seconds * share / 3600, round(pace.bytes * documents), encoders)
