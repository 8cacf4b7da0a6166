"""Proof that exported Verilog is equivalent to the golden model, for every state, input and parameter word."""
