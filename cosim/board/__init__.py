"""The host's end of the link to a board, and boards that are simulated."""
