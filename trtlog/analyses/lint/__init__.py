"""Findings about a build and its measurement, each with evidence, reason and remedy.

A rule is one function in a module of its theme, marked with :func:`trtlog.analyses.lint.registry.rule`.
"""

from __future__ import annotations

from trtlog.analyses.lint.registry import RULES, Finding, Hit, Rule, lint, rule

__all__ = ["RULES", "Finding", "Hit", "Rule", "lint", "rule"]
