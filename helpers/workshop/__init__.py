"""How ``data/`` was made: models, long campaigns, what is shipped.

No notebook enters this room.
"""
