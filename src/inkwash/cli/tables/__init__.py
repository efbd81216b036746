"""What `inkwash show` prints: one file a kind of thing."""
