"""Mutation testing: faults planted in the netlist, killed by the testbenches or proved equivalent."""
