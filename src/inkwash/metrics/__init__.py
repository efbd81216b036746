"""What is measured: features, classes and pixels of drawn images against those of real ones. Knows no model."""
