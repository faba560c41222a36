"""Values at which a panel changes its colour; those with an alert are the alert's (deploy/prometheus/rules.yaml)."""

from dataclasses import dataclass

HOUR = 3600.0

#: One night missed, and two.
AGE_SECONDS = (26 * HOUR, 50 * HOUR)
#: Half of what the gate `publish.max_reject_ratio` allows, and all of it.
REJECTS = (0.005, 0.01)
#: The gate `publish.min_recall`.
RECALL = 0.95
#: Share of an encoder's time without work.
WAITING = 0.5
#: Share of a batch that is padding.
PADDING = 0.3
#: Share of sparse vectors without a term.
EMPTY = 0.001


@dataclass(frozen=True)
class Limits:
    """Colours from a value on; `base` is that of the values below the first."""

    base: str
    steps: tuple[tuple[float, str], ...] = ()

    def to_json(self) -> dict[str, object]:
        """As Grafana's thresholds."""
        first: dict[str, object] = {"value": None, "color": self.base}
        return {"mode": "absolute", "steps": [first, *({"value": at, "color": color} for at, color in self.steps)]}


NONE = Limits("blue")


def rising(warning: float, critical: float | None = None) -> Limits:
    """The more, the worse."""
    last = () if critical is None else ((critical, "red"),)
    return Limits("green", ((warning, "orange"), *last))


def falling(good: float) -> Limits:
    """Bad below this value."""
    return Limits("red", ((good, "green"),))
