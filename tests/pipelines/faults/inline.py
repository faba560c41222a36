"""`millrace index` without Ray: the whole command, in a process of its own or in this one."""

import sys
from contextlib import nullcontext
from pathlib import Path
from unittest.mock import patch

from pipelines import cli, command
from pipelines.display import NoDisplay
from pipelines.inline import InlineCluster
from pipelines.job import Job
from pipelines.load import load_recipe
from pipelines.progress import Progress
from pipelines.run import run_on
from pipelines.summary import Summary


def run(job: Job, _address: str | None, progress: Progress) -> Summary:
    return run_on(lambda: nullcontext(InlineCluster(2.0, 0.0, 1)), job, progress)


def index(recipe: Path, *overrides: str) -> Summary:
    """What the command does between reading the recipe and printing the summary."""
    with patch.object(command, "run", run):
        return command.index_recipe(load_recipe(recipe, overrides), None, NoDisplay())


def nothing(*_: object) -> nullcontext[None]:
    """In the place of a lease or a report, which nothing that is published may depend on."""
    return nullcontext()


def main() -> None:
    """The command line, without leases and reports."""
    without = {"run": run, "hold": nothing, "reported": nothing}
    with patch.multiple(command, **without):
        cli.main()


if __name__ == "__main__":
    sys.exit(main())
