r"""The bars that indexes have to reach, in one table: runs the scripts that measure them, each as a process of its own.

    python benchmarks/indexes.py --corpus .../nsmc-raw-a --vectors vectors.npy --autofaiss /tmp/autofaiss/bin/python \
        --judged .../scifact .../cranfield .../squadshifts-newwiki .../win32docs-en --figures FOLDER

What a script needs and is not given leaves its rows out. `--figures` keeps what they say: where a file of it lies, its
script is not run again.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

_HERE = Path(__file__).parent
#: What both sides of the dense bar must reach.
_RECALL = 0.95


class Bar(NamedTuple):
    """What was asked for and what was measured, in words, and whether that reaches it."""

    what: str
    asked: str
    measured: str
    reached: bool


def at_least(what: str, bar: float, figure: float, note: str = "", *, also: bool = True) -> Bar:
    """A bar that a figure must not lie under."""
    return Bar(what, f"at least {bar:g}", f"{figure:.3g}{note}", figure >= bar and also)


def at_most(what: str, bar: float, figure: float, note: str = "", *, also: bool = True) -> Bar:
    """A bar that a figure must not lie above."""
    return Bar(what, f"at most {bar:g}", f"{figure:.3g}{note}", figure <= bar and also)


def main() -> None:
    """Measure what is not measured yet, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--corpus", type=Path, help="BEIR layout: real sparse vectors are static IDF of its first 350,000"
    )
    parser.add_argument("--rows", type=int, default=1_000_000, help="of the synthetic sparse vectors")
    parser.add_argument("--vectors", type=Path, help=".npy of dense vectors")
    parser.add_argument("--autofaiss", type=Path, help="a Python that has autofaiss")
    parser.add_argument("--judged", type=Path, nargs="+", help="collections that judge the demo's sparse encoder")
    parser.add_argument("--documents", type=int, default=100_000, help="in two segments and in one")
    parser.add_argument("--figures", type=Path, help="keep figures here, and take those that are")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        kept = asked.figures or Path(folder)
        kept.mkdir(parents=True, exist_ok=True)
        bars = list(_bars(asked, kept))
    print("| what | asked for | measured | |\n| --- | --- | --- | --- |")
    for bar in bars:
        print(f"| {bar.what} | {bar.asked} | {bar.measured} | {'reached' if bar.reached else '**missed**'} |")


def _bars(asked: argparse.Namespace, kept: Path) -> Iterator[Bar]:
    corpus = ["--corpus", str(asked.corpus)] if asked.corpus else []
    for found in _figures(kept, "sparse_index", "--rows", str(asked.rows), *corpus):
        yield from _exact(found)
    if corpus:
        for found in _figures(kept, "sparse_seismic", "--rows", "0", "--corpus-rows", "100000", "--all", *corpus):
            yield _seismic(found)
    if asked.vectors and asked.autofaiss:
        yield from _dense(_figures(kept, "dense", asked.vectors, "--only", "hnsw", "--autofaiss", asked.autofaiss))
    yield from _segments(_figures(kept, "segments", "--documents", str(asked.documents)))
    if asked.judged:
        yield from _demo(_figures(kept, "demo_sparse", *asked.judged))


def _figures(kept: Path, script: str, *arguments: str | Path) -> Any:
    path = kept / f"{script}.json"
    if not path.is_file():
        command = [sys.executable, _HERE / f"{script}.py", *arguments, "--json", path]
        subprocess.run([str(each) for each in command], check=True, stdout=sys.stderr)
    return json.loads(path.read_text(encoding="utf-8"))


def _exact(found: dict[str, Any]) -> Iterator[Bar]:
    name, agree = found["vectors"], found["agree"]
    sides = {"scipy product": 10.0, "pyseismic brute": 4.0, "plain pass": 1.5}
    for side, bar in sides.items():
        if side in found["times"]:
            same = min(agree["millrace"], agree[side])
            what = f"{name}: exact search, times as fast as {side}"
            yield at_least(what, bar, found["times"][side], f", {same:.1%} of scores equal", also=same == 1)
    yield at_least(f"{name}: building, million postings/s of a core", 10, found["postings_per_second"] / 1e6)
    yield at_most(f"{name}: memory of building, times the output", 2.5, found["memory_of_output"])


def _seismic(found: dict[str, Any]) -> Bar:
    """The product decides, so the bar is reached by construction: the row says how."""
    used, decision = found["used"], found["decision"]
    said = f"used, {decision['times']} times as fast" if used else f"not used: {decision['not_used']}"
    return Bar(f"{found['vectors']}: seismic", "3 times as fast as exact search, or not used", said, reached=True)


def _dense(found: dict[str, Any]) -> Iterator[Bar]:
    ours, theirs = found["sides"]["hnsw"], found["sides"].get("autofaiss, hnsw's memory")
    if theirs is None:
        return
    name = f"{found['rows']:,} dense vectors, beside autofaiss"
    note = f", recall@10 {ours['recall']:.3f} and {theirs['recall']:.3f}"
    enough = ours["recall"] >= _RECALL
    yield at_most(f"{name}: seconds of building, ratio", 1, ours["seconds"] / theirs["seconds"], note, also=enough)
    yield at_most(f"{name}: bytes, ratio", 1, ours["bytes"] / theirs["bytes"])


def _segments(found: dict[str, Any]) -> Iterator[Bar]:
    name = f"{found['documents']:,} documents in two segments, one with 10 % dead rows, beside one index"
    for mode in ("dense", "sparse"):
        ratio, same = found[mode]["ratio"], found[mode]["same"]
        yield at_most(f"{name}: {mode}, ratio", 1.3, ratio, f", {same:.1%} of answers the same", also=same == 1)


def _demo(found: list[dict[str, float]]) -> Iterator[Bar]:
    gain = sum(each["minilm-sparse"] - each["idf"] for each in found) / len(found)
    above = sum(each["dense + minilm-sparse"] > max(each["dense"], each["minilm-sparse"]) for each in found)
    name = f"the demo's sparse encoder on {len(found)} collections"
    yield at_least(f"{name}: nDCG@10 over static IDF", 0.03, gain)
    yield at_least(f"{name}: share on which hybrid is above both sides", 0.75, above / len(found))
    yield at_most(f"{name}: active dimensions of a document", 300, sum(each["active"] for each in found) / len(found))


if __name__ == "__main__":
    main()
