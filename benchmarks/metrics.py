"""What metrics cost a run: CPU seconds of the hub, and of all that tell it, over those of all processes.

    python benchmarks/metrics.py CORPUS [--documents N]

The first N documents of CORPUS, a folder in BEIR layout, are indexed with the two default encoders; the endpoint is
scraped every 2 s, more often than any Prometheus. What workers spend on telling is the number of tellings times the
measured cost of one. Processes are looked at every half second; what one did since the last look is lost with its end.
"""

import argparse
import json
import os
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.request import urlopen

from beir import read_texts
from processes import thread_cpu, tree_cpu
from prometheus_client.parser import text_string_to_metric_families

from operators.core import metrics
from operators.core.live import grown
from pipelines.command import index_recipe
from pipelines.display import NoDisplay
from pipelines.hub import MetricsHub, Teller
from pipelines.load import load_recipe
from pipelines.observe import THREAD

_LOOK, _SCRAPE = 0.5, 2.0
#: Tellings that are timed, each with as much as an encoder's worker tells.
_TELLINGS = 500


@dataclass
class Seen:
    """The last look at every process, and the last scrape."""

    cpu: dict[int, tuple[str, float]] = field(default_factory=dict)
    telling: float = 0.0
    scrapes: int = 0
    text: str = ""

    def total(self, title: str = "") -> float:
        """CPU seconds of processes whose title holds a word."""
        return sum(seconds for name, seconds in self.cpu.values() if title in name)

    def series(self) -> dict[str, float]:
        """Sums of samples by name."""
        found: dict[str, float] = {}
        for family in text_string_to_metric_families(self.text):
            for sample in family.samples:
                found[sample.name] = found.get(sample.name, 0.0) + sample.value
        return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--documents", type=int, default=50_000, help="first documents to take")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        texts = read_texts(asked.corpus, asked.documents)
        recipe = _recipe(texts, Path(folder))
        before = sum(seconds for _, seconds in tree_cpu(os.getpid()).values())
        seen, seconds = _run(recipe, Path(folder) / "targets.json")
    tellings = seen.series().get(f"{metrics.UPDATES.full_name}", 0.0)
    workers = tellings * _telling_seconds()
    _print(asked.corpus.name, len(texts), seconds, seen, workers, seen.total() - before)


def _recipe(texts: list[str], folder: Path) -> Path:
    corpus = folder / "corpus"
    corpus.mkdir()
    rows = (json.dumps({"_id": str(row), "text": text}) + "\n" for row, text in enumerate(texts))
    (corpus / "corpus.jsonl").write_text("".join(rows), encoding="utf-8")
    recipe = {
        "collection": "sample",
        "store": str(folder / "store"),
        "source": {"format": "jsonl", "uri": str(corpus)},
        "encoders": {
            "dense": {"kind": "dense", "model": "all-MiniLM-L6-v2"},
            "sparse": {"kind": "sparse", "model": "idf"},
        },
        "metrics": {"port": 0, "targets_file": str(folder / "targets.json")},
    }
    path = folder / "recipe.yaml"
    path.write_text(json.dumps(recipe), encoding="utf-8")
    return path


def _run(recipe: Path, targets: Path) -> tuple[Seen, float]:
    seen, stop = Seen(), threading.Event()
    looking = [
        threading.Thread(target=_look, args=(seen, stop), daemon=True),
        threading.Thread(target=_scrape, args=(seen, stop, targets), daemon=True),
    ]
    for thread in looking:
        thread.start()
    start = time.perf_counter()
    index_recipe(load_recipe(recipe), None, NoDisplay())
    seconds = time.perf_counter() - start
    stop.set()
    for thread in looking:
        thread.join()
    return seen, seconds


def _look(seen: Seen, stop: threading.Event) -> None:
    while not stop.wait(_LOOK):
        seen.cpu |= tree_cpu(os.getpid())
        for thread in threading.enumerate():
            if thread.name == THREAD and thread.native_id:
                seen.telling = thread_cpu(thread.native_id)


def _scrape(seen: Seen, stop: threading.Event, targets: Path) -> None:
    while not stop.wait(_SCRAPE):
        found = json.loads(targets.read_text(encoding="utf-8")) if targets.exists() else []
        for target in (target for each in found for target in each["targets"]):
            try:
                with urlopen(f"http://{target}/metrics") as answer:
                    seen.text = answer.read().decode()
                    seen.scrapes += 1
            except OSError:
                continue


def _telling_seconds() -> float:
    """CPU seconds of a process that tells, for one telling; a hub of another run listens."""
    import ray

    ray.init(include_dashboard=False, log_to_driver=False)
    hub = ray.remote(num_cpus=0)(MetricsHub).remote()
    ray.get(hub.pull.remote())
    teller = Teller(hub)
    deltas = [grown(metrics.ENCODER_SECONDS, 1.0, "dense", "busy")] * 5
    start = time.process_time()
    for _ in range(_TELLINGS):
        teller.tell(deltas)
    ray.get(hub.pull.remote())
    seconds = time.process_time() - start
    ray.shutdown()
    return seconds / _TELLINGS


def _print(corpus: str, documents: int, seconds: float, seen: Seen, workers: float, total: float) -> None:
    hub = seen.total(MetricsHub.__name__)
    print(f"{corpus}, {documents:,} documents in {seconds:.0f} s, {seen.scrapes} scrapes")
    print(f"CPU seconds: hub {hub:.2f}, driver's telling {seen.telling:.2f}, workers' telling {workers:.2f}")
    print(f"together {hub + seen.telling + workers:.2f} of {total:.1f}: {(hub + seen.telling + workers) / total:.2%}")
    print(f"{len(seen.text)} bytes a scrape, {sum(1 for _ in seen.text.splitlines() if not _.startswith('#'))} series")


if __name__ == "__main__":
    main()
