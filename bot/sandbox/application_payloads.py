"""An application as Discord's JSON, with the team that owns it."""

from __future__ import annotations

from .models import Application, Json, Team
from .payloads import render_user


def render_application(application: Application) -> Json:
    """Return an application as its own bot sees it."""
    return {
        "id": str(application.id),
        "name": application.name,
        "icon": None,
        "description": "",
        "summary": "",
        "type": None,
        "bot": render_user(application.user),
        "bot_public": True,
        "bot_require_code_grant": False,
        "verify_key": "0" * 64,
        "owner": render_user(application.owner),
        "team": None if application.team is None else _render_team(application.team),
        "flags": _application_flags(application),
        "flags_new": str(_application_flags(application)),
        "explicit_content_filter": 0,
        "role_connections_verification_url": None,
        "approximate_user_authorization_count": 0,
        "eligible_oauth2_scopes": ["bot", "applications.commands"],
        "tags": [],
        "rpc_origins": [],
        "hook": True,
        "integration_types_config": {"0": {}},
        "approximate_guild_count": 0,
        "approximate_user_install_count": 0,
        "interactions_endpoint_url": None,
        "redirect_uris": [],
    }


def _render_team(team: Team) -> Json:
    return {
        "id": str(team.id),
        "icon": None,
        "name": team.name,
        "owner_user_id": str(team.members[0].id),
        "members": [
            {
                "user": render_user(member),
                "team_id": str(team.id),
                "membership_state": 2,
                "role": "admin",
                "permissions": ["*"],
            }
            for member in team.members
        ],
    }


def _application_flags(application: Application) -> int:
    """Return the *_LIMITED flags: the privileged intents an unverified application has."""
    allowed = application.allowed_intents
    return (allowed >> 8 & 1) << 13 | (allowed >> 1 & 1) << 15 | (allowed >> 15 & 1) << 19
