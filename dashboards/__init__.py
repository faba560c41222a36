"""Grafana dashboards, generated from the list of metrics (operators/core/metrics.py): `make dashboards`."""
