"""The cheapest hardware within an error budget."""
