"""Builds side by side: alignment, differences, stability."""
