"""One HTML page a log."""
