"""The golden model: one step on integers, and a population of neurons that takes it."""
