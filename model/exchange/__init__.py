"""Recordings in files, and as the objects of other libraries."""
