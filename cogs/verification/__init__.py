"""Lets in who shows that they are a person: a button, questions, or letters in a picture.

`docs/verification.md` tells admins how to set it up and what it can't do.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from bot.core.features import Category, Feature
from bot.core.i18n import N_
from cogs.verification.problems import find_verification_problems
from cogs.verification.settings import VerificationSettings
from db.verification import delete_old

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from bot.client import Pegasus

# Longer than any time that members are given, and any pause.
_KEPT = timedelta(days=30)


async def purge(session: AsyncSession, now: datetime) -> int:
    """Forget people of whom nothing was heard for 30 days, and questions that are over."""
    return await delete_old(session, before=now - _KEPT, now=now)


FEATURE = Feature(
    key="verification",
    title=N_("Verification"),
    description=N_("Gives new members their role once they have shown that they are people."),
    category=Category.SAFETY,
    settings=VerificationSettings,
    tables=("verification_members", "verification_challenges"),
    intents={
        "members": N_("I can't see who joins, so nobody is reminded or removed for not verifying.")
    },
    needs_intents=lambda settings: settings.is_timed,
    check=find_verification_problems,
    purge=purge,
)


async def setup(bot: Pegasus) -> None:
    """Add the feature to the bot."""
    from cogs.verification.cog import Verification

    await bot.add_feature(FEATURE, Verification(bot))
