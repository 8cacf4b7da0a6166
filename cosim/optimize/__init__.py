"""Studies that end in gates: the cheapest hardware that meets an error budget."""
