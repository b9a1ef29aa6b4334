"""Marking what learners hand in, and bundles for them and their teachers."""
