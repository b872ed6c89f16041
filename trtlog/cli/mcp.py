"""``trtlog mcp``: a server that agents ask about logs."""

from __future__ import annotations

import click

from trtlog.errors import MissingExtra, how_to_install


@click.command("mcp")
@click.option(
    "--allow",
    multiple=True,
    metavar="DIR",
    default=(".",),
    show_default="the current folder",
    help="A folder that may be read, with all below it; may be given several times.",
)
def command(allow: tuple[str, ...]) -> None:
    """Serve the Model Context Protocol on standard input and output: agents ask about logs, and nothing is written.

    An agent's program starts it; see docs/mcp.md.

    Example:  trtlog mcp --allow /data/logs
    """
    try:
        from trtlog.mcp.server import make_server
    except ImportError as error:
        raise MissingExtra(f"trtlog mcp needs the SDK of the protocol; {how_to_install('mcp')}") from error
    server = make_server(allow)
    try:
        server.run("stdio")
    except Exception as error:
        if (broken := _broken_stream(error)) is None:
            raise
        raise broken from None


def _broken_stream(error: BaseException) -> OSError | None:
    """Return the error of standard input or output that ended a server, which its tasks raise in groups."""
    inner = getattr(error, "exceptions", (error,))
    if inner == (error,):
        return error if isinstance(error, OSError) and error.filename is None else None
    return next(filter(None, map(_broken_stream, inner)), None)
