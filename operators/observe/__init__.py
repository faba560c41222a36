"""From what was done to what Prometheus scrapes: series of the metrics that core/metrics.py lists."""
