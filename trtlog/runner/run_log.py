"""The log of a run that trtlog started: a Log that knows its run folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trtlog.log import Log

if TYPE_CHECKING:
    from trtlog.runner.folder import RunFolder


class RunLog(Log):
    """A log, and the folder that its run left.

    Attributes
    ----------
    folder
        The run folder: ``log.folder.result``, ``log.folder.command``, ``log.folder.environment``,
        ``log.folder.engine``, ``log.folder.times`` and more.
    """

    def __init__(self, log: Log, folder: RunFolder) -> None:
        super().__init__(log._tables, log.source, log.notes)
        self.folder = folder
