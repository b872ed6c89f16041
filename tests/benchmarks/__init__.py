"""Measurements of speed and memory; off by default: ``pytest -m benchmark -s tests/benchmarks``."""
