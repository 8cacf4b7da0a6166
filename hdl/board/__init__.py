"""The gates between a board's pins and a population: UART, frames, commands."""
