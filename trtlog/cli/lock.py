"""``trtlog lock``: write the lock file of a build."""

from __future__ import annotations

import os
from typing import Any

import click

from trtlog._util.files import write_whole
from trtlog.cli.common import echo, echo_json, log_argument, read_log, reading_options
from trtlog.errors import InputError


@click.command("lock")
@log_argument
@click.option("-o", "--output", metavar="FILE", help="Where to write; standard output without it.")
@click.option(
    "--rule",
    "settings",
    multiple=True,
    metavar="RULE=VALUE",
    help="fail, warn or off, or a tolerance in percent: --rule gpu=off --rule latency=5; repeat.",
)
@click.option("--reset-rules", is_flag=True, help="Do not keep the rules of a lock file that is there already.")
@reading_options
def command(log: str, output: str | None, settings: tuple[str, ...], reset_rules: bool) -> None:
    """Write what the build of LOG chose (layers, tactics, formats, precisions) and its budgets.

    Where FILE is a lock file already, its rules are kept, so that it can be written anew after a change
    that is wanted.

    Example:  trtlog lock build.log -o trtlog.lock.json --rule latency=5
    """
    from trtlog.analyses.gate.lock import DEFAULT_RULES, lock, read_lock

    rules: dict[str, dict[str, Any]] = {}
    if output is not None and os.path.isfile(output) and not reset_rules:
        rules = read_lock(output).rules
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals or name not in DEFAULT_RULES:
            raise InputError(f"--rule {setting}: write RULE=VALUE with one of the rules {', '.join(DEFAULT_RULES)}")
        rules.setdefault(name, dict(DEFAULT_RULES[name])).update(_setting(name, value))
    text = lock(read_log(log), rules=rules).to_json()
    if output is None:
        echo_json(text, nl=False)
        return
    write_whole(output, [text])
    echo(f"wrote {output}")


def _setting(name: str, value: str) -> dict[str, Any]:
    """Return the setting that a value is of: a level, or the tolerance of the rule."""
    from trtlog.analyses.gate.document import LEVELS
    from trtlog.analyses.gate.lock import DEFAULT_RULES

    if value in LEVELS:
        return {"level": value}
    tolerance = next((key for key in DEFAULT_RULES[name] if key != "level"), None)
    try:
        number = float(value)
    except ValueError:
        number = -1.0
    if tolerance is None or not 0 <= number < float("inf"):
        kinds = ", ".join(LEVELS) + (" or a percentage" if tolerance else "")
        raise InputError(f"--rule {name}={value}: expected {kinds}")
    return {tolerance: number}
