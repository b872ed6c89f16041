"""Print all figures: ``python -m tests.calibration``."""

from __future__ import annotations

from typing import Any

from tests.calibration import builds, gates, runs
from trtlog.analyses.compare import floors
from trtlog.analyses.layer.timing_noise import ALL, BLOCK, LENGTHS_US, OWN, TimingNoise

HEADLINE = (("throughput", "value"), ("latency", "median"), ("gpu_compute_time", "median"))


def main() -> None:
    print("Between runs: standard deviation of the logarithm (degrees of freedom), and the floor in use\n")
    for kind, (table, _) in runs.KINDS.items():
        for stat in ("median", "p90", "p95", "p99"):
            found, freedom = runs.spread(kind, stat)
            print(f"{kind:8}{stat:8}{found:8.4f} ({freedom:2}) {table[stat]:8.3f}")
    print(f"\nOf the distance from median to p90, p95, p99: deviation between runs; in use {floors.TAIL_SHARE}\n")
    for kind in runs.TAILS:
        left_out = [runs.tail_share(kind, rows)[0] for rows in (*((row,) for row in runs.ROWS), *runs.MODELS.values())]
        found, freedom = runs.tail_share(kind)
        span = f"{min(left_out):.2f} to {max(left_out):.2f}"
        print(f"{kind:8}{found:8.2f} ({freedom:3}); a row or a model left out {span}")
    print("\nPairs of equal engines or rebuilds called different in any figure: by the floors in use, by floors made")
    print("without the row, and by floors made without all rows of its model\n")
    totals = [0, 0, 0, 0]
    for model, rows in runs.MODELS.items():
        for row in rows:
            pairs, *wrong = _called_different(row, rows)
            totals = [a + b for a, b in zip(totals, [pairs, *(count for count, _ in wrong)], strict=True)]
            figures = sorted({figure for _, found in wrong for figure in found})
            counts = "".join(f"{count:4}" for count, _ in wrong)
            print(f"{model:22}{row:10}{counts} of {pairs:3} {figures or ''}")
    print(f"{'all':32}{totals[1]:4}{totals[2]:4}{totals[3]:4} of {totals[0]:3}")
    print(f"\nPairs of another precision, of {len(runs.OTHER_PRECISION)}, not called different\n")
    for model in (None, *runs.MODELS):
        with runs.floors_without(runs.MODELS[model] if model else ()):
            missed = [runs.another_precision_missed(*figure) for figure in HEADLINE]
        names = sorted({pair for pairs in missed for pair in pairs})
        print(f"{f'without {model}' if model else 'in use':32}{' '.join(str(len(m)) for m in missed)} {names or ''}")
    print("\nOrdered pairs of rebuilds and reruns that fail check: in use, without the model, with nothing excused\n")
    for model, rows in runs.MODELS.items():
        for row in rows:
            pairs, failed = gates.failing(row)
            with gates.noise_without(model):
                _, failed_without = gates.failing(row)
            _, failed_exact = gates.failing(row, exact=True)
            counts = "".join(f"{len(found):4}" for found in (failed, failed_without, failed_exact))
            print(f"{model:22}{row:10}{counts} of {pairs:3}")
    print("\nBetween builds: deviation of a tactic's timing within its block, of blocks, with disturbed ones; in use\n")
    for name, logs in builds.SETS.items():
        own, block, counts = builds.deviations(logs)
        disturbed, _ = builds.deviations_of_all(logs)
        print(name)
        for at, n, *found in zip(LENGTHS_US, counts, own, block, disturbed, OWN, BLOCK, ALL, strict=True):
            figures = [f"{figure:8.4f}" for figure in found]
            print(f"{at:8.1f} us {n:5} tactics {''.join(figures[:3])}   in use {''.join(figures[3:])}")
    print("\nFlips foretold and seen\n")
    for name, logs in builds.SETS.items():
        for source in (None, *(other for other in builds.SETS if other != name)):
            noise = None if source is None else TimingNoise(curves=curves(source))
            p, y, layers = builds.foretold(logs, noise)
            used = "in use" if source is None else f"of {source}"
            print(f"{name}, noise {used}: foretold {sum(p):.0f}, seen {sum(y)}, may be off by "
                  f"{builds.scatter(p, y, layers):.0f}, Brier {builds.brier(p, y):.3f}")  # fmt: skip
            if source is None:
                for low, high, count, foretold, seen, off in builds.reliability(p, y, layers):
                    bounds = f"{low:4.2f} to {min(high, 1):4.2f} {count:5} choices"
                    print(f"  {bounds}, {foretold:5.2f} foretold, {seen:5.2f} seen, may be off by {off:.2f}")


def _called_different(row: str, of_model: tuple[str, ...]) -> list[Any]:
    """Return the number of pairs, and for each of three sets of floors how many are called different, and in what."""
    found: list[Any] = [0]
    for left_out in ((), (row,), of_model):
        with runs.floors_without(left_out):
            found[0], wrong, figures = runs.called_different(row)
        found.append((wrong, figures))
    return found


def curves(name: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return the curves of one set of builds; where it has too few tactics of a length, those in use."""
    own, block, counts = builds.deviations(builds.SETS[name])
    return tuple(
        tuple(max(f, 1e-4) if n >= 20 else u for f, n, u in zip(found, counts, used, strict=True))
        for found, used in ((own, OWN), (block, BLOCK))
    )  # type: ignore[return-value]


if __name__ == "__main__":
    main()
