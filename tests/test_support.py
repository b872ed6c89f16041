"""docs/support.md claims what the real logs show, no more."""

from __future__ import annotations

import pytest

from tests import support
from tests.conftest import CORPUS


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the third-party logs are not beside this checkout")
def test_the_page_is_fresh():
    assert support.PAGE.read_text(encoding="utf-8") == support.page(support.seen()), "run: python -m tests.support"


def test_versions_have_a_row():
    groups = {v: support.version_group(v) for v in ("7.1.3", "8.0.3", "8.3.0", "8.5.10", "8.6.1", "10.14.1", "11.1.0")}
    assert list(groups.values()) == ["7", "8.0", "8.2", "8.5", "8.6", "10", "11"]
