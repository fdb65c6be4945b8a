"""Safelight develops every image that lands in a bucket or a folder."""

__version__ = "0.1.0"
