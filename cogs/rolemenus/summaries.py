"""Menus as admins read them: one with all it says, and the list of all. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from bot.core.fields.text import escape_markdown, quote, shorten
from bot.core.i18n import Message, _, ngettext
from cogs.rolemenus.emoji import show_emoji
from cogs.rolemenus.rules import Menu, Option, Style
from cogs.rolemenus.wording import MODE_TITLES, STYLE_TITLES, NameOf, conditions_of
from db.role_menus import RoleMenuPost

# A panel holds 4,000 characters in all; its notice and labels need some.
_MOST_TEXT = 3200
_MOST_SHOWN = 25


def menu_summary(menu: Menu, name_of: NameOf, locale: str | None) -> str:
    """Return what a menu is, in markdown: its text, how it works, and its first roles."""
    # Formatted as it will be: these are an admin's own words, shown to admins.
    lines = [f"### {menu.title}"]
    if menu.text:
        lines.append(_closed(shorten(menu.text, 400)))
    lines += [f"- {one.render(locale)}" for one in _working(menu)]
    is_plain = menu.style is Style.SELECT
    lines += [
        _option_line(one, name_of, locale, is_plain=is_plain) for one in menu.options[:_MOST_SHOWN]
    ]
    if (more := len(menu.options) - _MOST_SHOWN) > 0:
        lines.append(ngettext("and {count} more", "and {count} more", more).render(locale))
    if not menu.options:
        lines.append(_("It offers no roles yet.").render(locale))
    end = _("/rolemenu post posts it; its messages follow each change.").render(locale)
    return shorten("\n".join(lines), _MOST_TEXT) + f"\n-# {end}"


def _working(menu: Menu) -> list[Message]:
    style, mode = _(STYLE_TITLES[menu.style]), _(MODE_TITLES[menu.mode])
    lines = [_("{style}, {mode}", style=style, mode=mode)]
    if menu.most is not None:
        lines.append(
            ngettext(
                "At most {count} role for each member",
                "At most {count} roles for each member",
                menu.most,
            )
        )
    return [*lines, *conditions_of(menu)]


def _closed(text: str) -> str:
    """Return a text that no block of code in it goes on after."""
    return text if text.count("```") % 2 == 0 else f"{text}\n```"


def _option_line(option: Option, name_of: NameOf, locale: str | None, *, is_plain: bool) -> str:
    emoji = f"{show_emoji(option.emoji)} " if option.emoji else ""
    if name_of(option.role_id) is None:
        gone = _("gone (its ID was {role})", role=option.role_id).render(locale)
        return f"{emoji}⚠️ {gone}"
    parts = [f"{emoji}<@&{option.role_id}>"]
    if option.label:
        parts.append(quote(option.label))
    if option.description:
        shown = option.description
        parts.append(escape_markdown(shown) if is_plain else shown)
    if option.cap is not None:
        places = ngettext("{count} place", "{count} places", option.cap)
        parts.append(places.render(locale))
    return " · ".join(parts)


def list_line(menu: Menu, posts: Sequence[RoleMenuPost], locale: str | None) -> str:
    """Return a menu's entry in the list of all, with where it is posted."""
    count = ngettext("{count} role", "{count} roles", len(menu.options)).render(locale)
    style, mode = _(STYLE_TITLES[menu.style]), _(MODE_TITLES[menu.mode])
    kind = _("{style}, {mode}", style=style, mode=mode).render(locale)
    lines = [f"**{escape_markdown(menu.title)}** · {kind} · {count}"]
    if not posts:
        lines.append(_("not posted").render(locale))
    lines += [_post_line(one, locale) for one in posts]
    return "\n".join(lines)


def _post_line(post: RoleMenuPost, locale: str | None) -> str:
    place = f"<#{post.channel_id}>"
    if post.gone:
        return f"⚠️ {_('its message in {channel} was deleted', channel=place).render(locale)}"
    if post.message_id is None:
        return f"⏳ {_('on its way to {channel}', channel=place).render(locale)}"
    return f"https://discord.com/channels/{post.guild_id}/{post.channel_id}/{post.message_id}"
