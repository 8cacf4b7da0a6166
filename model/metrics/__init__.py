"""What is measured of runs: errors, spike distances, f-I curves."""
