"""Looking after a deployment on AWS: its jobs, its logs, and whether it works."""
