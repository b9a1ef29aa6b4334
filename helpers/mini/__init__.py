"""The mini world: stories, the tasks made of them, and how to read them back.

Nothing here imports anything of the lesson but ``prompts`` and ``plans``.
"""
