"""Figures of runs, in a light and a dark theme."""
