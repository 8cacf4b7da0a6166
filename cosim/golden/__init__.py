"""The golden step in hardware languages, and what checks a core with it where there is no Python."""
