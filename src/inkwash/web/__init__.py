"""The page: a local server that samples, edits and compares models in the browser."""
