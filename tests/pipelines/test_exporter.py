"""`millrace exporter` as Prometheus' neighbour runs it: a process that answers scrapes until it is told to stop."""

import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.pipelines.conftest import document, write_corpus
from tests.pipelines.inline import index_inline

COMMAND = (sys.executable, "-c", "from pipelines.cli import main; main()", "exporter")


def scraped(address: str) -> dict[str, float]:
    """Values of series without labels but the collection's."""
    with urlopen(address) as answer:
        lines = answer.read().decode().splitlines()
    return {
        match[1]: float(match[2])
        for line in lines
        if (match := re.fullmatch(r'millrace_(\w+)\{collection="mill"\} (\S+)', line))
    }


@pytest.mark.timeout(60)
def test_exporter_answers_scrapes_sees_the_next_night_and_a_store_that_is_away(tmp_path: Path) -> None:
    write_corpus(tmp_path / "corpus" / "a.jsonl", [document(n) for n in range(20)])
    index_inline(tmp_path)
    uri = tmp_path / "store" / "mill"
    command = [*COMMAND, str(uri), "--port", "0", "--every", "1"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        address = re.search(r"http://127\.0\.0\.1:\d+/metrics", process.stderr.readline())
        assert address
        first = scraped(address[0])
        assert (first["snapshot_number"], first["snapshot_documents"], first["exporter_up"]) == (1, 20, 1)
        write_corpus(tmp_path / "corpus" / "a.jsonl", [document(n) for n in range(21)])
        index_inline(tmp_path)
        while scraped(address[0])["snapshot_number"] == 1:
            pass
        assert scraped(address[0])["snapshot_documents"] == 21
        broken = uri / "manifests" / "000000000003.json"
        shutil.copy(uri / "manifests" / "000000000002.json", broken)
        assert "mill is away: " in process.stderr.readline()
        away = scraped(address[0])
        assert (away["exporter_up"], away["snapshot_documents"]) == (0, 21)
        broken.unlink()
        assert process.stderr.readline() == "mill is back\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


def test_exporter_taken_port_is_one_line_that_says_what_to_do(tmp_path: Path) -> None:
    from http.server import HTTPServer, SimpleHTTPRequestHandler

    with HTTPServer(("127.0.0.1", 0), SimpleHTTPRequestHandler) as taken:
        command = [*COMMAND, str(tmp_path / "wiki"), "--port", str(taken.server_port)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "Choose another port, or 0 for a free one" in done.stderr
    assert "Traceback" not in done.stderr
