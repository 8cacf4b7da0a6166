"""The neuron in gates."""
