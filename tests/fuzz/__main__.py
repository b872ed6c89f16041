"""``python -m tests.fuzz --inputs 50000 --seeds 10``: mutated logs through everything; exit code 1 where one fails."""

from __future__ import annotations

import argparse
import sys

from tests.fuzz import checks, session
from tests.fuzz.material import real_logs


def main() -> int:
    """Run the fuzzer, or one input of it again."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=1000, help="how many, over all seeds")
    parser.add_argument("--seeds", type=int, default=1, help="how many seeds, from --first-seed on")
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--level", choices=checks.LEVELS, help="what is looked at; by chance if not given")
    parser.add_argument("--seconds", type=float, help="stop after so long")
    parser.add_argument("--tries", type=int, default=1500, help="how often an input is tried while it is made small")
    parser.add_argument("--only", metavar="SEED:NUMBER", help="this input alone, with its traceback")
    given = parser.parse_args()
    if given.only:
        data, other, names, level = session.input_of(given.only, real_logs(), given.level)
        print(names, level, len(data))
        checks.check(data, other, session.Random(f"{given.only}:check"), given.level or level)
        return 0
    seeds = list(range(given.first_seed, given.first_seed + given.seeds))
    done = session.run(
        given.inputs,
        seeds,
        seconds=given.seconds,
        level=given.level,
        reduce_tries=given.tries,
        told=lambda text: print(text, flush=True),
    )
    print(
        f"{done.inputs:,} inputs over {len(seeds)} seeds, {done.bytes / 1e6:,.1f} MB: all through both loops and "
        f"every table, {done.levels['answers'] + done.levels['outputs']:,} of them through every analysis, "
        f"{done.levels['outputs']:,} through pages, comparisons, Parquet and commands; "
        f"slowest input {done.slowest[0]:.1f} s ({done.slowest[1]})"
    )
    for find in sorted(done.finds.values(), key=lambda f: -f.count):
        print(f"{find.count:6} {find.signature} ({find.chance})")
    print(f"{len(done.finds)} kinds of finds")
    return 1 if done.finds else 0


if __name__ == "__main__":
    sys.exit(main())
