"""Analyses: questions that one log, or several, can answer. No input or output, no drawing."""
