"""The program: ``trtlog``, or ``python -m trtlog``."""

from __future__ import annotations

from trtlog._util.gc import until_the_end


def main() -> None:
    """Load and run the command line, with a collector that does not go through it again and again."""
    with until_the_end():
        from trtlog.cli import main as run

        run()


if __name__ == "__main__":
    main()
