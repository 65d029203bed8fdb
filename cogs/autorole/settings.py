"""What a guild can set for Autorole: which roles who joins is given, and what who returns keeps.

The list of join roles is edited by `/autorole add` and `/autorole remove`.
"""

from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bot.core.fields import choice, document, duration, role, roles
from bot.core.i18n import N_, Message
from bot.core.settings import FeatureSettings, setting

MOST_ROLES = 25
LONGEST_DELAY = timedelta(days=30)
OLDEST_ACCOUNT = timedelta(days=365)

_STICKY = N_("When someone comes back")

Recipients = Annotated[
    Literal["people", "bots", "everyone"],
    choice(people=N_("for people"), bots=N_("for bots"), everyone=N_("for people and bots")),
]
Given = Annotated[int, role(assignable=True)]
Had = Annotated[int, role()]
Delay = Annotated[timedelta, duration(maximum=LONGEST_DELAY)]
Age = Annotated[timedelta, duration(maximum=OLDEST_ACCOUNT)]
Kept = Annotated[timedelta, duration(minimum=timedelta(days=1), maximum=timedelta(days=365))]
Roles = Annotated[tuple[int, ...], roles()]
GivenBack = Annotated[tuple[int, ...], roles(assignable=True)]


class JoinRole(BaseModel):
    """A role for whoever joins, and when they get it.

    With `after_screening` nobody gets it before they have passed membership screening, and before
    the guild's verification level lets them in. It is given once the account is as old as
    `account_age`, and, with `after_role_id`, once they have that role. A role with rights of staff
    is given only if it is `trusted`, which says that an admin has agreed to it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    role_id: Given = Field(title=N_("Role"), description=N_("What whoever joins is given."))
    delay: Delay = Field(
        default=timedelta(0), title=N_("Delay"), description=N_("How long after joining.")
    )
    recipients: Recipients = Field(
        default="people", title=N_("For whom"), description=N_("Who is given it.")
    )
    after_screening: bool = Field(
        default=True,
        title=N_("After screening"),
        description=N_("Only once they have passed the membership screening."),
    )
    account_age: Age = Field(
        default=timedelta(0),
        title=N_("Age of the account"),
        description=N_("How old the account has to be."),
    )
    after_role_id: Had | None = Field(
        default=None,
        title=N_("After another role"),
        description=N_("Only once they have that role."),
    )
    trusted: bool = Field(
        default=False,
        title=N_("May have rights of staff"),
        description=N_("You agree that whoever joins has the role's rights."),
    )

    @model_validator(mode="after")
    def _check_roles(self) -> Self:
        if self.after_role_id == self.role_id:
            raise ValueError(N_("A role can't wait for itself."))
        return self


def _in_words(entry: Any) -> Message:
    # It knows this module.
    from cogs.autorole.describing import in_words

    return in_words(JoinRole.model_validate(entry))


JoinRoles = Annotated[
    tuple[JoinRole, ...],
    Field(max_length=MOST_ROLES),
    document("autorole add", in_words=_in_words),
]


class AutoroleSettings(FeatureSettings):
    """What roles members get by themselves."""

    join_roles: JoinRoles = setting(
        (),
        N_("Join roles"),
        N_("The roles for whoever joins. Edit them with /autorole add and /autorole remove."),
        unset=N_("nobody gets a role"),
    )
    sticky_enabled: bool = setting(
        False,
        N_("Keep roles"),
        N_("Give members who come back the roles that they had when they left."),
        group=_STICKY,
    )
    sticky_for: Kept = setting(
        timedelta(days=90),
        N_("Keep roles for"),
        N_("Whoever stays away for longer comes back without roles."),
        group=_STICKY,
    )
    sticky_denied: Roles = setting(
        (),
        N_("Roles that are not kept"),
        N_("These are never given back."),
        group=_STICKY,
        unset=N_("all harmless roles are kept"),
    )
    sticky_allowed: GivenBack = setting(
        (),
        N_("Powerful roles that are kept"),
        N_("Roles with rights of staff are given back only if they stand here."),
        group=_STICKY,
        unset=N_("no role with rights of staff is kept"),
    )

    @model_validator(mode="after")
    def _check_join_roles(self) -> Self:
        ids = [one.role_id for one in self.join_roles]
        if len(ids) != len(set(ids)):
            raise ValueError(N_("A role stands there twice."))
        return self
