"""Readers of the nested values inside one message: formats, shapes, engine layer lines, kernel names.

Pure functions from text to typed values. They are called with text that a message rule has already cut out,
never raise on bad text unless asked to (``strict=True``), and remember what they have seen.
"""
