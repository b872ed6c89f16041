"""Plots, with plotly."""
