"""The model and the gates held against each other, and the command line on top."""
