"""Analyses: what performance engineers ask of one log or several, as functions from tables to tables.

Nothing here reads files, prints or draws. :mod:`trtlog.analyses.registry` declares what is computed of one log, each
analysis a table; ``log.analyze`` (:class:`trtlog.analyses.handle.Analyses`) gives them as DataFrames.
"""
