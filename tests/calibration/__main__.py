"""Print all figures: ``python -m tests.calibration``."""

from __future__ import annotations

from tests.calibration import builds, runs
from trtlog.analyses.layer.timing_noise import BLOCK, LENGTHS_US, OWN, TimingNoise


def main() -> None:
    print("Between runs: standard deviation of the logarithm (degrees of freedom), and the floor in use\n")
    for kind, (table, _) in runs.KINDS.items():
        for stat in ("median", "p90", "p95", "p99"):
            found, freedom = runs.spread(kind, stat)
            print(f"{kind:8}{stat:8}{found:8.4f} ({freedom:2}) {table[stat]:8.3f}")
    print("\nPairs of equal engines or rebuilds called different in any figure\n")
    for row in runs.ROWS:
        pairs, wrong, figures = runs.called_different(row)
        print(f"{row:10}{wrong:3} of {pairs:3} {figures or ''}")
    print("\nBetween builds: deviation of a tactic's timing within its block, of blocks, and the curve in use\n")
    for name, logs in builds.SETS.items():
        own, block, counts = builds.deviations(logs)
        print(name)
        for at, a, b, n, used, used_block in zip(LENGTHS_US, own, block, counts, OWN, BLOCK, strict=True):
            print(f"{at:8.1f} us {n:5} tactics {a:8.4f} {b:8.4f}   in use {used:8.4f} {used_block:8.4f}")
    print("\nFlips foretold and seen\n")
    for name, logs in builds.SETS.items():
        for source in (None, *(other for other in builds.SETS if other != name)):
            noise = None if source is None else TimingNoise(curves=curves(source))
            p, y, layers = builds.foretold(logs, noise)
            used = "in use" if source is None else f"of {source}"
            print(f"{name}, noise {used}: foretold {sum(p):.0f}, seen {sum(y)}, may be off by "
                  f"{builds.scatter(p, y, layers):.0f}, Brier {builds.brier(p, y):.3f}")  # fmt: skip
            if source is None:
                for low, high, count, foretold, seen in builds.reliability(p, y):
                    print(
                        f"  {low:4.2f} to {min(high, 1):4.2f} {count:5} choices, {foretold:5.2f} foretold, {seen:5.2f}"
                    )


def curves(name: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return the curves of one set of builds; where it has too few tactics of a length, those in use."""
    own, block, counts = builds.deviations(builds.SETS[name])
    return tuple(
        tuple(max(f, 1e-4) if n >= 20 else u for f, n, u in zip(found, counts, used, strict=True))
        for found, used in ((own, OWN), (block, BLOCK))
    )  # type: ignore[return-value]


if __name__ == "__main__":
    main()
