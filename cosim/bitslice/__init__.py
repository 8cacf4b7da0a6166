"""Hundreds of instances of a netlist side by side: one bit of a machine word each."""
