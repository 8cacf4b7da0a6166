"""Runs of the self-test, and where hardware and golden model diverge."""
