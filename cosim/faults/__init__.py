"""Fault campaigns without sampling: every upset and every stuck net, hundreds side by side."""
