"""Rules on message bodies as Discord's API writes them: whether two say the same, and pruning.

Pure; a body is what is sent to Create Message or what Get Channel Messages gives back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Body = Mapping[str, Any]

# What Discord gives back of a component as it was sent; ids and what it adds to media are its own.
_COMPONENT_KEYS = ("type", "custom_id", "label", "content", "style", "placeholder", "disabled")
_EMPTY = (None, "", False)


def is_same_message(sent: Body, seen: Body) -> bool:
    """Return whether a message that is seen says what was sent.

    Compared is what people read and press. Discord trims texts, adds previews of links as embeds,
    and rewrites addresses of files; a message of nothing but files is compared by their names.
    """
    if _said(sent, len(sent.get("embeds") or ())) != _said(seen, len(sent.get("embeds") or ())):
        return False
    return not _is_files_only(sent) or _filenames(sent) == _filenames(seen)


def without_file(body: Any, filename: str) -> Any:
    """Return the body without what shows that attached file: images of embeds, media components.

    Discord refuses a body that refers to a file that does not come with it.
    """
    return _prune(body, f"attachment://{filename}")


def _said(body: Body, embed_count: int) -> tuple[Any, ...]:
    embeds = [one for one in body.get("embeds") or () if one.get("type", "rich") == "rich"]
    return (
        _text(body.get("content")),
        [_said_in_embed(embed) for embed in embeds[:embed_count]],
        list(_walk(body.get("components") or ())),
    )


def _said_in_embed(embed: Body) -> tuple[Any, ...]:
    return (
        _text(embed.get("title")),
        _text(embed.get("description")),
        _text((embed.get("author") or {}).get("name")),
        _text((embed.get("footer") or {}).get("text")),
        [(_text(one.get("name")), _text(one.get("value"))) for one in embed.get("fields") or ()],
    )


def _walk(components: Any) -> Iterator[tuple[Any, ...]]:
    for component in components:
        values = (component.get(key) for key in _COMPONENT_KEYS)
        yield tuple(_text(one) if isinstance(one, str) else one or None for one in values)
        yield from _walk(component.get("components") or ())
        if isinstance(accessory := component.get("accessory"), Mapping):
            yield from _walk((accessory,))


def _text(value: Any) -> str:
    return "" if value in _EMPTY else str(value).strip()


def _is_files_only(body: Body) -> bool:
    return not (_text(body.get("content")) or body.get("embeds") or body.get("components"))


def _filenames(body: Body) -> list[str]:
    return [one.get("filename", "") for one in body.get("attachments") or ()]


def _prune(value: Any, url: str) -> Any:
    if isinstance(value, Mapping):
        return _prune_object(value, url)
    if isinstance(value, list):
        pruned = [_prune(one, url) for one in value]
        return [new for old, new in zip(value, pruned, strict=True) if new is not None]
    return value


def _prune_object(value: Body, url: str) -> dict[str, Any] | None:
    if value.get("url") == url:
        return None
    pruned = {key: _prune(one, url) for key, one in value.items()}
    for key in ("media", "file", "items", "accessory"):
        # A component is nothing without these; a gallery is nothing without an item.
        if value.get(key) and not pruned[key]:
            return None
    return {key: one for key, one in pruned.items() if one is not None or value[key] is None}
