"""What a build chose and what it may cost, written down: the lock file that ``trtlog check`` holds builds to.

The file is JSON, made for git: keys and layers in a fixed order, one line a layer, numbers as the log prints
them. ``docs/lock.md`` describes it field by field.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trtlog._util.dataclass import dataclass
from trtlog._util.redact import redact, redact_value
from trtlog._util.rows import table_rows
from trtlog._util.words import counted
from trtlog.analyses.build.builds import build_seconds
from trtlog.analyses.build.memory import memory_totals
from trtlog.analyses.build.performance import kept_figures
from trtlog.analyses.compare.diff import one_run
from trtlog.analyses.compare.work import inference_shapes, shapes_text
from trtlog.analyses.gate.document import KEYS, MEMORY, SCHEMA, check_document, check_rules, no_lock_file, read_json
from trtlog.analyses.layer.engine_layer import layers_of
from trtlog.analyses.layer.layer import Layer
from trtlog.analyses.layer.messages import messages_of
from trtlog.analyses.layer.names import stable_name
from trtlog.display import InNotebook
from trtlog.errors import InputError, QueryError
from trtlog.log import Log

# Rule -> its defaults. A tolerance is how much more than the budget is allowed; slack comes on top, so that
# small figures do not fail by their rounding.
DEFAULT_RULES: dict[str, dict[str, Any]] = {
    "status": {"level": "fail"},
    "tensorrt_version": {"level": "fail"},
    "gpu": {"level": "warn"},
    "options": {"level": "warn"},
    "input_shapes": {"level": "fail"},
    "layers": {"level": "fail"},
    "types": {"level": "fail"},
    "tactics": {"level": "fail", "tie_percent": 0.0},
    "precisions": {"level": "fail"},
    "formats": {"level": "fail"},
    "reformats": {"level": "fail"},
    "latency": {"level": "fail", "tolerance_percent": 10.0},
    "throughput": {"level": "fail", "tolerance_percent": 10.0},
    "memory": {"level": "fail", "tolerance_percent": 10.0, "slack_mib": 1.0},
    "build_time": {"level": "fail", "tolerance_percent": 50.0, "slack_seconds": 5.0},
    "messages": {"level": "warn"},
}

# Options that name files of one run, or what is printed, and change no engine.
_IGNORED_OPTIONS = ("save engine", "load engine", "save engine path", "timingcachefile", "export timing to json file")
_LATENCIES = {"latency": ("median", "p99"), "gpu_compute_time": ("median", "p99")}


@dataclass(frozen=True, repr=False)
class Lock(InNotebook):
    """A lock: what ``trtlog.lock`` made of a log, or what stands in a lock file.

    Parameters
    ----------
    document : dict
        The content, in the schema of ``docs/lock.md``.
    name : str
        Where it comes from, for messages.
    """

    document: dict[str, Any]
    name: str = "lock"

    @property
    def rules(self) -> dict[str, dict[str, Any]]:
        """The rules with their levels and tolerances; what the file leaves out has its default."""
        given = self.document.get("rules", {})
        return {rule: {**default, **given.get(rule, {})} for rule, default in DEFAULT_RULES.items()}

    def to_json(self) -> str:
        """Return the text of the lock file: fixed order, one line a layer, a line end at the end."""
        parts = []
        for key in KEYS:
            value = self.document.get(key)
            if key in ("layers", "reformats", "messages") and value:
                lines = ",\n".join(f"    {json.dumps(item, ensure_ascii=False)}" for item in value)
                parts.append(f'  "{key}": [\n{lines}\n  ]')
            elif key == "layer_ms":  # one line, as all of it changes with each build
                if key in self.document:
                    parts.append(f'  "{key}": {json.dumps(value, ensure_ascii=False)}')
            elif key == "rules" and value:
                lines = ",\n".join(
                    f'    "{name}": {json.dumps(rule, ensure_ascii=False)}' for name, rule in value.items()
                )
                parts.append(f'  "{key}": {{\n{lines}\n  }}')
            else:
                text = json.dumps(value, indent=2, ensure_ascii=False)
                parts.append(f'  "{key}": ' + text.replace("\n", "\n  "))
        return "{\n" + ",\n".join(parts) + "\n}\n"

    def __repr__(self) -> str:
        return f"<trtlog.Lock of {self.name!r}: {counted(len(self.document.get('layers') or ()), 'layer')}>"


def lock(log: Log | str | os.PathLike[str], *, rules: Mapping[str, Mapping[str, Any]] | None = None) -> Lock:
    """Write down what a build chose: layers, tactics, formats, precisions, and its budgets.

    Parameters
    ----------
    log : Log or path
        A log of one run that did not fail. Layers need --verbose or --dumpLayerInfo; budgets need the
        performance summary. What a log lacks is null in the lock and not checked.
    rules : mapping, optional
        Rule -> settings that replace the defaults, such as ``{"latency": {"tolerance_percent": 5}}``.

    Raises
    ------
    QueryError
        The log holds several runs, its run failed, or it has nothing to lock.
    InputError
        There is no such rule, level or setting.

    Examples
    --------
    >>> import trtlog
    >>> locked = trtlog.lock("fixtures/trt-8.5.3-h200/resnet50_fp32_verbose.log.gz")
    >>> len(locked.document["layers"]), locked.document["budgets"]["throughput_qps"]
    (104, 1336.59)
    """
    log = one_run(log, "log")
    if log.run.status in ("failed", "incomplete"):
        ended = "failed" if log.run.status == "failed" else "did not end"
        raise QueryError(f"{log.source}: the run {ended}; lock the log of a run that passed")
    check_rules(rules or {}, "rules", DEFAULT_RULES)
    facts = layers_of(log)
    budgets = read_budgets(log)
    listed = facts.source == "engine"
    if not listed and not any(budgets.values()):
        raise QueryError(
            f"{log.source} lists no engine layers and no performance summary: there is nothing to lock; "
            "trtexec --verbose prints both"
        )
    document = {
        "schema": SCHEMA,
        "source": read_source(log),
        "rules": {name: {**default, **(rules or {}).get(name, {})} for name, default in DEFAULT_RULES.items()},
        "budgets": budgets,
        "options": read_build_options(log),
        "layers": [layer_entry(x) for x in _sorted(facts.layers) if x.role == "layer"] if listed else None,
        "reformats": [reformat_entry(x) for x in _sorted(facts.layers) if _converts(x)] if listed else None,
        "layer_ms": {x.layer.strip(): x.tactic_ms for x in _sorted(facts.layers) if x.role == "layer" and x.tactic_ms}
        if listed
        else None,
        "messages": sorted({redact(row["text"]) for row in messages_of(log).distinct if row["text"]}),
    }
    return Lock(document, log.source)


def _converts(layer: Layer) -> bool:
    """Whether a layer is a conversion that costs something."""
    return layer.role.startswith("reformat") and layer.type != "NoOp"


def _sorted(layers: tuple[Layer, ...]) -> list[Layer]:
    """Return layers by name: the order of an engine's list is not the same in every build."""
    return sorted(layers, key=lambda layer: (stable_name(layer.layer), layer.position))


def read_source(log: Log) -> dict[str, Any]:
    """Return where the lock comes from; the command line without secrets."""
    device = log.device
    return {
        "log": os.path.basename(redact(log.source)),
        "tensorrt_version": log.run.tensorrt_version,
        "gpu": device.name if device else None,
        "compute_capability": device.compute_capability if device else None,
        "command": redact(log.run.command) if log.run.command else None,
        "input_shapes": shapes_text(inference_shapes(log)) or None,
    }


def read_build_options(log: Log) -> dict[str, str]:
    """Return the printed build options, without files and secrets; repeated ones joined."""
    options: dict[str, str] = {}
    for row in table_rows(log.table("options").select(["section", "key", "value"])):
        if row["section"] != "build" or row["key"].strip().lower() in _IGNORED_OPTIONS:
            continue
        key, value = row["key"].strip(), redact_value(row["key"].strip(), row["value"]) or ""
        options[key] = f"{options[key]}, {value}" if key in options else value
    return options


def read_budgets(log: Log) -> dict[str, Any]:
    """Return the figures that a check holds a build to; null where the log has none."""
    rows = kept_figures(log.table("performance").select(["metric", "stat", "value"]))
    values = {(row["metric"], row["stat"]): row["value"] for row in rows}
    latency = {
        f"{metric}_ms": budget
        for metric, stats in _LATENCIES.items()
        if (budget := {stat: values[metric, stat] for stat in stats if (metric, stat) in values})
    }
    totals = memory_totals(layers_of(log))
    return {
        "latency": latency or None,
        "throughput_qps": values.get(("throughput", "value")) or None,
        "memory_bytes": {name: totals[name] for name in MEMORY if totals.get(name) is not None} or None,
        "build_seconds": build_seconds(log),
    }


def layer_entry(layer: Layer) -> dict[str, Any]:
    """Return the line of a layer."""
    return {
        "layer": layer.layer.strip(),
        "type": layer.type,
        "precision": layer.precision,
        "tactic": layer.tactic,
        "kernel": layer.kernel,
        "inputs": list(layer.input_formats),
        "outputs": list(layer.output_formats),
        "onnx_nodes": sorted(layer.parts),
    }


def reformat_entry(layer: Layer) -> dict[str, Any]:
    """Return the line of a conversion between formats."""
    return {"reformat": layer.layer.strip(), "from": list(layer.input_formats), "to": list(layer.output_formats)}


def read_lock(path: str | os.PathLike[str]) -> Lock:
    """Read a lock file.

    Raises
    ------
    InputError
        The file is missing, no JSON, of another schema, or its rules cannot be used.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file; 'trtlog lock LOG -o {path}' writes one") from None
    except UnicodeDecodeError:
        raise no_lock_file(str(path)) from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from None
    return Lock(check_lock(read_json(text, str(path)), str(path)), str(path))


def check_lock(document: Any, name: str) -> dict[str, Any]:
    """Return a document that is a lock, with the rules of this version.

    Raises
    ------
    InputError
        It is none; the message says what is wrong, and where.
    """
    return check_document(document, name, DEFAULT_RULES)
