"""Questions that performance engineers ask of one log or several: functions from tables to tables or records.

Nothing here reads files, prints or draws. :class:`trtlog.analyses.questions.Questions`, at hand as
``log.analyze``, gives the answers about one log as DataFrames.
"""
