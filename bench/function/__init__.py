"""The function on AWS beside the one that everybody else writes: its start, its small machine, its own share."""
