"""The world of one machine: folders, SQLite and mail."""
