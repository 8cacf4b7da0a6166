"""The continuous neuron: its closed form and its exact flow."""
