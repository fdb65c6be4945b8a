"""Measurements of Safelight against what people use today, and of its own promises."""
