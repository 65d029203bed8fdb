"""Every place of a message where text can stand, from the gateway's payload.

https://discord.com/developers/docs/resources/message: embeds, forwards (snapshots), polls,
attachments, stickers and components. Payloads come from outside: whatever is of another shape than
documented is skipped, never an error.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bot.core.contracts import MessageFacts

if TYPE_CHECKING:
    from cogs.automod.triggers import SourceKind

# More than Discord's own limits together allow; what lies beyond is cut off.
MAX_TEXTS = 200
MAX_TEXT = 16_000
_MAX_DEPTH = 8
# More than the longest listed word with letters set apart.
_OVERLAP = 500
_OTHER = ("attachments", "embeds", "message_snapshots", "poll", "sticker_items", "components")
# Text in files: what people open without thinking. 64 KiB are read, by extension or MIME type.
MAX_FILE = 64 * 1024
_TEXT_EXTENSIONS = (
    ".txt",
    ".md",
    ".csv",
    ".log",
    ".json",
    ".html",
    ".htm",
    ".ini",
    ".yml",
    ".yaml",
)

Found = tuple["SourceKind", str]


def has_more_than_content(raw: Mapping[str, Any]) -> bool:
    """Tell whether the message has anything beside its content."""
    get = raw.get
    return bool(
        get("attachments")
        or get("embeds")
        or get("sticker_items")
        or get("message_snapshots")
        or get("poll")
        or get("components")
    )


def texts_of(facts: MessageFacts, files: Mapping[int, str]) -> list[Found]:
    """Return the texts of a message with their kind, bounded in number and length."""
    found = []
    for kind, text in _texts(facts, files):
        if text and isinstance(text, str):
            found += [(kind, piece) for piece in _pieces(kind, text)]
            if len(found) >= MAX_TEXTS:
                break
    return found[:MAX_TEXTS]


def _pieces(kind: SourceKind, text: str) -> list[str]:
    """Return a text as it is looked at: files in pieces, of other texts what is not too long."""
    if kind not in ("file", "forward") or len(text) <= MAX_TEXT:
        return [text[:MAX_TEXT]]
    # Pieces overlap, so that no word is lost between two of them.
    step = MAX_TEXT - _OVERLAP
    return [text[at : at + MAX_TEXT] for at in range(0, len(text) - _OVERLAP, step)]


def _texts(facts: MessageFacts, files: Mapping[int, str]) -> Iterator[tuple[SourceKind, Any]]:
    yield "content", facts.content
    yield from _beside_content(facts.raw, files)
    for snapshot in items(facts.raw, "message_snapshots"):
        message = snapshot.get("message")
        if isinstance(message, Mapping):
            yield "forward", message.get("content")
            for _kind, text in _beside_content(message, files):
                yield "forward", text


def _beside_content(
    raw: Mapping[str, Any], files: Mapping[int, str]
) -> Iterator[tuple[SourceKind, Any]]:
    for embed in items(raw, "embeds"):
        # What Discord itself makes of a link is the page's text, not the member's.
        kind: SourceKind = "embed" if embed.get("type", "rich") == "rich" else "preview"
        for text in _embed_texts(embed):
            yield kind, text
    for attachment in items(raw, "attachments"):
        for key in ("filename", "title", "description"):
            yield "attachment", attachment.get(key)
        yield "file", files.get(id_of(attachment), "")
    for sticker in items(raw, "sticker_items"):
        yield "sticker", sticker.get("name")
    poll = raw.get("poll")
    if isinstance(poll, Mapping):
        for text in _poll_texts(poll):
            yield "poll", text
    for text in _component_texts(raw.get("components"), 0):
        yield "component", text


def _embed_texts(embed: Mapping[str, Any]) -> Iterator[Any]:
    for key in ("title", "description", "url"):
        yield embed.get(key)
    for part, keys in (("author", ("name", "url")), ("footer", ("text",)), ("provider", ("name",))):
        inner = embed.get(part)
        if isinstance(inner, Mapping):
            for key in keys:
                yield inner.get(key)
    for field in items(embed, "fields"):
        yield field.get("name")
        yield field.get("value")


def _poll_texts(poll: Mapping[str, Any]) -> Iterator[Any]:
    question = poll.get("question")
    if isinstance(question, Mapping):
        yield question.get("text")
    for answer in items(poll, "answers"):
        media = answer.get("poll_media")
        if isinstance(media, Mapping):
            yield media.get("text")


def _component_texts(components: Any, depth: int) -> Iterator[Any]:
    if depth > _MAX_DEPTH or not isinstance(components, Sequence) or isinstance(components, str):
        return
    for one in components:
        if not isinstance(one, Mapping):
            continue
        for key in ("content", "label", "placeholder", "description", "url"):
            yield one.get(key)
        for key in ("components", "items", "options"):
            yield from _component_texts(one.get(key), depth + 1)
        for key in ("component", "accessory"):
            yield from _component_texts([one.get(key)], depth + 1)


def items(raw: Mapping[str, Any], key: str) -> Iterator[Mapping[str, Any]]:
    """Yield the objects in a list of the payload."""
    found = raw.get(key)
    if isinstance(found, list | tuple):
        for one in found:
            if isinstance(one, Mapping):
                yield one


def with_forwards(raw: Mapping[str, Any], key: str) -> Iterator[Mapping[str, Any]]:
    """Yield the objects in a list of the message and of what it forwards."""
    yield from items(raw, key)
    for snapshot in items(raw, "message_snapshots"):
        message = snapshot.get("message")
        if isinstance(message, Mapping):
            yield from items(message, key)


def id_of(raw: Mapping[str, Any]) -> int:
    """Return the id of an object of the payload, 0 for none."""
    found = raw.get("id")
    if isinstance(found, int):
        return found
    return int(found) if isinstance(found, str) and found.isdecimal() and len(found) < 21 else 0


def is_text_file(attachment: Mapping[str, Any]) -> bool:
    """Tell whether an attachment is a small text file, worth reading."""
    size, name = attachment.get("size"), str(attachment.get("filename") or "").lower()
    if not isinstance(size, int) or not 0 < size <= MAX_FILE:
        return False
    kind = str(attachment.get("content_type") or "")
    return kind.startswith("text/") or name.endswith(_TEXT_EXTENSIONS)
