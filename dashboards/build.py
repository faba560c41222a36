"""Write what is made from the list of metrics: Grafana's dashboards beside this file, and docs/metrics.md.

python -m dashboards.build
"""

import json
from pathlib import Path

from dashboards.encoders import encoders
from dashboards.metrics_page import metrics_page
from dashboards.overview import overview
from dashboards.run import run
from dashboards.store import store

_ROOT = Path(__file__).resolve().parents[1]


def generated() -> dict[str, str]:
    """Every generated file's text by its path in the repository; always the same for the same metrics."""
    found = {"overview": overview(), "run": run(), "encoders": encoders(), "store": store()}
    drawn = {
        f"dashboards/{name}.json": json.dumps(dashboard.to_json(), indent=1, ensure_ascii=False) + "\n"
        for name, dashboard in found.items()
    }
    return {**drawn, "docs/metrics.md": metrics_page()}


def main() -> None:
    """Write them all."""
    for path, text in generated().items():
        (_ROOT / path).write_text(text, encoding="utf-8")
        print(f"wrote {path}")


if __name__ == "__main__":
    main()
