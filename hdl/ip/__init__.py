"""The population as an IP block with AXI ports: its registers, the shell around it, and the files beside it."""
