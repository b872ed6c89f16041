"""Starting trtexec: find it, check its flags, keep its log, follow it live, study it over a grid of flags.

Nothing is imported here: ``trtlog.run``, ``trtlog.open_run`` and ``trtlog.sweep`` load what they need when
asked.
"""
