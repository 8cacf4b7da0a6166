"""Input currents: stimuli that are computed, recordings that are read."""
