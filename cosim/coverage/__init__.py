"""What the benches reach: cases, lines and bits, and the proof that the rest can't be reached."""
