"""The neuron in software: a float reference and the bit-accurate fixed-point golden model."""
