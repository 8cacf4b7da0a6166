"""Faults planted in the netlist, and what the benches and the prover make of each."""
