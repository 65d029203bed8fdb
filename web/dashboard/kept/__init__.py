"""Pages for what features keep besides settings: lists, forms, and what can be done with each.

Nothing here knows a feature: the pages are made of the manifests' resources and of the models of
what is sent, and every change is made by the service that answers for the resource in the API.
"""

from __future__ import annotations

from web.dashboard.kept import acts, editing, listing
from web.routes import Route

# Addresses with a word for the item come before those that take any.
ROUTES: tuple[Route, ...] = (*listing.ROUTES, *editing.ROUTES, *acts.ROUTES)
