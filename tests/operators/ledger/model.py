"""One night of a ledger in plain Python: what the frames of compare.py and settle.py must come to."""

from dataclasses import dataclass, field

from operators.ledger.states import REJECTED, REPEATED, State

Address = tuple[int, int]
Place = tuple[str, int, int]


@dataclass
class Known:
    """A row of the ledger: what a document holds, and where it lies."""

    content: int
    place: Place


#: By key and address: where an input was read in part, two documents may be known at one address.
Ledger = dict[tuple[int, Address], Known]


@dataclass
class Night:
    """Inputs in reading order with their states, and what was read of them: (key, content) by address."""

    states: list[tuple[int, State]]
    fresh: dict[Address, tuple[int, int]]

    def order(self, address: Address) -> tuple[int, int]:
        return [one for one, _ in self.states].index(address[0]), address[1]


@dataclass
class Outcome:
    """What a night changes."""

    added: set[int] = field(default_factory=set)
    updated: set[int] = field(default_factory=set)
    deleted: set[int] = field(default_factory=set)
    unchanged: set[int] = field(default_factory=set)
    wanted: dict[int, Address] = field(default_factory=dict)
    gone: list[Place] = field(default_factory=list)
    repeated: set[Address] = field(default_factory=set)


def found_tonight(ledger: Ledger, night: Night) -> dict[int, list[Address]]:
    """By key all its addresses in reading order."""
    states = dict(night.states)
    there = {(key, address) for address, (key, _) in night.fresh.items()}
    for (key, address), known in ledger.items():
        state = states.get(address[0])
        again = any(one[0] == address[0] and other == key for one, (other, _) in night.fresh.items())
        if state == State.KEPT or (state == State.PARTLY and not again and known.place[2] != REPEATED):
            there.add((key, address))
    by_key: dict[int, list[Address]] = {}
    for key, address in sorted(there, key=lambda one: night.order(one[1])):
        # What is not found again of an input that was read in part counts where the snapshot has its rows, and for
        # nothing else: nobody could read it a second time.
        lost = states[address[0]] == State.PARTLY and not is_fresh(night, key, address)
        if not (lost and key in by_key):
            by_key.setdefault(key, []).append(address)
    return by_key


def content_at(ledger: Ledger, night: Night, key: int, address: Address) -> int:
    return night.fresh[address][1] if is_fresh(night, key, address) else ledger[key, address].content


def is_fresh(night: Night, key: int, address: Address) -> bool:
    return night.fresh.get(address, (None,))[0] == key


def compare(ledger: Ledger, night: Night) -> Outcome:
    outcome = Outcome()
    placed = {key: known for (key, _), known in ledger.items() if known.place[2] > 0}
    found = found_tonight(ledger, night)
    first: dict[int, Address] = {}
    for key, (one, *others) in found.items():
        outcome.repeated |= {address for address in others if is_fresh(night, key, address)}
        if is_fresh(night, key, one) or ledger[key, one].place[2] != REJECTED:
            first[key] = one
    for key in first.keys() | placed.keys():
        if key not in first:
            outcome.deleted.add(key)
        elif key not in placed:
            outcome.added.add(key)
        elif placed[key].content == content_at(ledger, night, key, first[key]):
            outcome.unchanged.add(key)
        else:
            outcome.updated.add(key)
    outcome.wanted = {key: first[key] for key in outcome.added | outcome.updated}
    outcome.gone = sorted(placed[key].place for key in outcome.updated | outcome.deleted)
    return outcome


def settle(ledger: Ledger, night: Night, placed: dict[int, Place]) -> Ledger:
    """The ledger afterwards."""
    before = {key: known for (key, _), known in ledger.items() if known.place[2] > 0}
    after: Ledger = {}
    for key, (first, *others) in found_tonight(ledger, night).items():
        content = content_at(ledger, night, key, first)
        place = ("", 0, REJECTED)
        if key in placed:
            place = placed[key]
        elif key in before and before[key].content == content:
            place = before[key].place
        after[key, first] = Known(content, place)
        for other in others:
            after[key, other] = Known(content_at(ledger, night, key, other), ("", 0, REPEATED))
    return after
