"""Yosys and nextpnr: netlists, resources, Fmax."""
