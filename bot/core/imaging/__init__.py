"""Pictures with people's names and avatars in them, for the cards of any feature.

Pillow and files only; knows nothing of Discord's client, guilds or features.
"""
