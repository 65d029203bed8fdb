"""The automod engine: pure, synchronous, and the same answer for the same values.

`engine.Engine` is what others use; `values` is what goes in and comes out. No I/O, no clock, no
database, and no `re` on what people wrote: users' patterns run in RE2, whose time is linear.
"""
