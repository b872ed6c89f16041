"""Logs as Parquet: a folder a log, streaming conversion."""
