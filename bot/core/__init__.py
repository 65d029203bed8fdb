"""The kernel: everything that features, the Discord client and the web server share.

Nothing in it imports discord.py or serves HTTP, so it can be tested and reused without either.
"""
