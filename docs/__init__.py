"""Documentation, and in `make` what writes the generated part of it."""
