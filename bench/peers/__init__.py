"""The programs that are compared: each develops job A in a process of its own."""
