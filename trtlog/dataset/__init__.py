"""Many logs as one dataset: partitioned Parquet, a catalogue, incremental, in parallel.

Modules, in the order in which a conversion passes through them: :mod:`~trtlog.dataset.find` (which logs),
:mod:`~trtlog.dataset.fetch` (a log as a file), :mod:`~trtlog.dataset.reading` (its rows),
:mod:`~trtlog.dataset.parts` (rows to Parquet), :mod:`~trtlog.dataset.batch` (some logs to a part each table),
:mod:`~trtlog.dataset.workers` and :mod:`~trtlog.dataset.cluster` (batches side by side),
:mod:`~trtlog.dataset.commit` (parts become part of the dataset), :mod:`~trtlog.dataset.build` (all of it).
:mod:`~trtlog.dataset.handle` reads a dataset.
"""
