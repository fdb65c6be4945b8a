"""What writes the generated pages: one module for each kind of page, called by `docs/generate.py`."""
