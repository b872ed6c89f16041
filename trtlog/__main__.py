"""``python -m trtlog``."""

from trtlog.cli import main

main()
