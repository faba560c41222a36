"""Search results, for people and for machines."""

import json
import shlex
import shutil
import sys
from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from operators.search.hit import Hit

#: Characters of a document's text shown under a hit, or as many as a line of the terminal holds.
_PREVIEW = 200


def command(*arguments: str) -> str:
    """A command line to paste: by name where the shell finds Millrace, else as it was called."""
    return shlex.join(["millrace" if shutil.which("millrace") else sys.argv[0], *arguments])


def show_hits(hits: Sequence[Hit], console: Console, *, as_json: bool) -> None:
    """Search results, best first."""
    if as_json:
        for hit in hits:
            sys.stdout.write(json.dumps(hit.facts(), ensure_ascii=False) + "\n")
        return
    if not hits:
        console.print("nothing found")
    for hit in hits:
        sides = [_side("dense", hit.dense_rank, hit.dense_score), _side("sparse", hit.sparse_rank, hit.sparse_score)]
        line = Text.assemble(f"{hit.rank:>3}  ", (hit.doc_id, "bold"), f"  {hit.score:.4f}  ")
        console.print(line.append("  ".join(side for side in sides if side), "dim"), soft_wrap=True)
        if hit.text:
            console.print(Text(f"     {' '.join(hit.text.split())[:_PREVIEW]}"), no_wrap=True, overflow="ellipsis")


def _side(name: str, rank: int | None, score: float | None) -> str:
    return f"{name} #{rank} {score:.3f}" if rank is not None and score is not None else ""
