"""A core of somebody else's, described by a map in place of a wrapper."""
