"""``python -m trtlog.docs``: write the generated pages of a checkout anew."""

from __future__ import annotations

from pathlib import Path

from trtlog.docs import write

write(Path(__file__).parents[2])
