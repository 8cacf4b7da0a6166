"""Metrics of runs: errors, spike distances, f-I curves."""
