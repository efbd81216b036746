"""Text: printing of untrusted text, and names that other programs use."""
