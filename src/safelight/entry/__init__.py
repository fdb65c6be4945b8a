"""Where the world comes in: commands, the local service and its workers."""
