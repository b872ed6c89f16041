"""A Model Context Protocol server: agents ask about logs, run folders and datasets.

:mod:`trtlog.mcp.places` decides what may be read and keeps what was opened, :mod:`trtlog.mcp.answers` makes answers
small enough for a context window, :mod:`trtlog.mcp.server` holds the tools. ``trtlog mcp`` runs it;
``pip install '.[mcp]'``.
"""
