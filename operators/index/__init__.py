"""Build, measure and open the dense and sparse index of a segment."""
