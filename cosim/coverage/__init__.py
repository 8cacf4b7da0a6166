"""Coverage of the testbenches: cases, lines, branches and bits, and proof that the rest is unreachable."""
