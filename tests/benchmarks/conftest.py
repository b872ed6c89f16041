"""Benchmarks run only when asked for by their marker."""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(config, items):
    if "benchmark" in (config.option.markexpr or ""):
        return
    for item in items:
        if item.get_closest_marker("benchmark"):
            item.add_marker(pytest.mark.skip(reason="a benchmark; run with -m benchmark -s"))
