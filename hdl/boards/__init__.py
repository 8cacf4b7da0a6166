"""FPGA boards."""
