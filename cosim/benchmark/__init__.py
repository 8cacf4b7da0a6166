"""What ``qlif bench`` measures: the golden model and its alternatives."""
