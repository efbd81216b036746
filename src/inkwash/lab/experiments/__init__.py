"""The experiments that come with inkwash, one per file."""
