"""The self-test's stimulus and MISR signature in software."""
