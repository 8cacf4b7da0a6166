"""Proof that exported Verilog is the golden model, for every state, input and parameter word."""
