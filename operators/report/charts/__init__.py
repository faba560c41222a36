"""The report's pictures: matplotlib draws them, as SVG that takes its colours from the page."""
