"""What the evidence compares: lists of systems, and the files of their runs.
"""
