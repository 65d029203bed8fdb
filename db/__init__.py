"""The shared database: tables, migrations and query functions for every aggregate.

Nothing here knows of Discord, HTTP or the bot; callers pass a session in and
get rows or values back.
"""
