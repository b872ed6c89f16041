"""trtexec's JSON exports: their documents, and finding them beside a log."""
