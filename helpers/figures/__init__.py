"""Figures: one look for all notebooks, readable without colour."""
