"""Ask an installed trtlog a few things: ``python try_installed.py LOG``, from a folder that is not the checkout."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def main(log: str) -> None:
    """Read a log in this process and with the command."""
    sys.path = [path for path in sys.path if path and not (Path(path) / "pyproject.toml").is_file()]
    import trtlog

    here = Path(__file__).resolve().parents[1]
    if here in Path(trtlog.__file__).resolve().parents and "site-packages" not in trtlog.__file__:
        raise SystemExit(f"{trtlog.__file__} is the checkout, not what was installed")
    found = {engine: trtlog.parse(log, engine=engine) for engine in ("line", "auto")}
    one = found["line"]
    if one != found["auto"] or not len(one.tactics) or one.table("margins").num_rows == 0:
        raise SystemExit(f"{log} is not read as it should be")
    total = one.sql("select count(*) as n from tactics").n[0]
    done = subprocess.run([sys.executable, "-m", "trtlog", "summary", log], capture_output=True, check=True)
    if b"TensorRT" not in done.stdout:
        raise SystemExit("trtlog summary says nothing of TensorRT")
    print(f"trtlog {trtlog.__version__} of {Path(trtlog.__file__).parent}: {total} tactics")  # noqa: T201 - a script


if __name__ == "__main__":
    main(sys.argv[1])
