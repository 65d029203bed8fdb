"""Raids: noticing that many join at once, closing the doors, opening them as they were."""
