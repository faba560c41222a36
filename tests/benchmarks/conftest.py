"""The scripts under benchmarks/ import each other as they do when they are run: by their names alone."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
