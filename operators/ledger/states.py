"""What an input means to the ledger, and what `rows` of a ledger row below 1 mean."""

from enum import IntEnum


class State(IntEnum):
    """Whether what the ledger knows of an input still holds. Inputs that are not named are gone."""

    READ = 0  # read anew, whole: what the ledger knows of it is forgotten
    KEPT = 1  # unchanged, or not listed in this run: everything holds
    PARTLY = 2  # read anew, but not to its end: what was not found again holds where it has rows


#: The id comes at an earlier address, which has the rows.
REPEATED = 0
#: A delta takes the key out of the ledger.
TOMBSTONE = -1
#: The document was rejected while it was encoded; it is not tried again until its input changes.
REJECTED = -2
