"""Evaluation: what judges say of a model's samples, in one table, in words, and side by side with others."""
