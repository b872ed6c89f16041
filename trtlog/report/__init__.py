"""Presentation: terminal text and pages of what the tables and analyses hold. Nothing is computed here."""
