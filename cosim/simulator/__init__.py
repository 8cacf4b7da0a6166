"""Simulators: found, built, started and ended."""
