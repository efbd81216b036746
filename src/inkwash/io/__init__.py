"""Files: atomic writes, checksums, the cache, PNG metadata, TOML."""
