"""Raids: noticing that many join at once, closing the doors, and opening them again as they were."""
