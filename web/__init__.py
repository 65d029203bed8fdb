"""The admin web server: health, metrics, statistics and the API.

It sees the bot only through `bot.core` contracts, never through discord.py.
"""
