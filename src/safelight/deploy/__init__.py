"""What brings Safelight to AWS: the package of its function."""
