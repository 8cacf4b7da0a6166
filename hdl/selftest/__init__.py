"""The self-test in gates: stimulus (LFSR), stalls, signature (MISR)."""
