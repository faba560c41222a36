"""The marks of prune: what no snapshot needed when it was last looked at, and since when."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from pydantic import ValidationError

from operators.core import layout
from operators.core.errors import IntegrityError, ObjectMissingError
from operators.core.spec import Spec
from operators.core.storage import ObjectInfo, Store
from operators.publish.log import Log


class Candidate(Spec):
    """An object that nothing needed at `marked_at`, as it was then."""

    key: str
    bytes: int
    token: str
    marked_at: str

    def is_same(self, info: ObjectInfo) -> bool:
        """Whether a listed object is still the one that was marked."""
        return (self.key, self.bytes, self.token) == (info.key, info.bytes, info.token)

    def age(self, now: datetime) -> timedelta:
        """Time since it was marked; none where the clock has jumped back since."""
        return max(timedelta(), now - datetime.fromisoformat(self.marked_at))


class Mark(Spec):
    """What one prune found; `dropping` are the snapshots that it was about to delete, announced before it did."""

    at: str
    candidates: tuple[Candidate, ...]
    dropping: tuple[int, ...] = ()


def carry(unneeded: Iterable[ObjectInfo], earlier: Mapping[str, Candidate], now: datetime) -> tuple[Candidate, ...]:
    """Candidates of today; what an earlier mark has unchanged keeps its time, so that the newest mark says all."""
    return tuple(_candidate(info, earlier.get(info.key), now) for info in unneeded)


def _candidate(info: ObjectInfo, earlier: Candidate | None, now: datetime) -> Candidate:
    if earlier and earlier.is_same(info) and datetime.fromisoformat(earlier.marked_at) <= now:
        return earlier
    # New, changed, or marked by a clock that was ahead: its time begins now.
    return Candidate(key=info.key, bytes=info.bytes, token=info.token, marked_at=stamp(now))


def stamp(now: datetime) -> str:
    """A moment as marks and leases keep it."""
    return now.astimezone(UTC).isoformat(timespec="microseconds")


def marks(store: Store) -> Log:
    """The log of marks."""
    return Log(store, layout.mark)


def read_newest(store: Store) -> tuple[int, dict[str, Candidate]]:
    """The number of the newest mark (0 where there is none) and its candidates by key."""
    newest = marks(store).newest()
    if newest is None:
        return 0, {}
    return newest[0], {each.key: each for each in _parse(store, *newest).candidates}


def being_dropped(store: Store) -> set[int]:
    """Snapshots that some prune announced to delete; of one that ended they are gone."""
    found: set[int] = set()
    for number in marks(store).numbers():
        try:
            found.update(_parse(store, number, store.get(layout.mark(number))).dropping)
        except ObjectMissingError:
            continue
    return found


def _parse(store: Store, number: int, data: bytes) -> Mark:
    try:
        return Mark.model_validate_json(data)
    except ValidationError as error:
        raise IntegrityError(
            f"{store.locate(layout.mark(number))} is not a mark of prune: {error.errors()[0]['msg']}. Delete it: what "
            f"it marked is marked anew, and waits once more"
        ) from error
