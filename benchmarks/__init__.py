"""Ratios of the program's speed to a floor, both measured in one run: ``python -m benchmarks``."""
