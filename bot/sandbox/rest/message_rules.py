"""Discord's rules for a message's content, embeds, poll and allowed mentions.

https://discord.com/developers/docs/resources/message
"""

from __future__ import annotations

from typing import Any

from ..models import Message, MessageFlag
from .component_rules import check_components
from .errors import FormCheck, error

Json = dict[str, Any]

MAX_CONTENT = 2_000
MAX_EMBED_TOTAL = 6_000
MAX_EMBEDS = 10
MAX_ATTACHMENTS = 10
_URL_SCHEMES = ("http://", "https://", "attachment://")


def check_message(body: Json, *, flags: int, prefix: str = "") -> None:
    """Check the fields of a message to be sent or edited; raises 50035 with every error found.

    `flags` are those the message will have; `prefix` precedes field paths (`data.` in a callback).
    """
    check = FormCheck()
    v2 = bool(flags & MessageFlag.COMPONENTS_V2)
    check.text(f"{prefix}content", body.get("content"), 0, MAX_CONTENT)
    _check_nonce(check, body.get("nonce"))
    if body.get("embeds") is not None:
        _check_embeds(check, f"{prefix}embeds", body["embeds"])
    if body.get("components") is not None:
        check_components(check, body["components"], v2=v2)
    if body.get("allowed_mentions") is not None:
        _check_allowed_mentions(check, f"{prefix}allowed_mentions", body["allowed_mentions"])
    if body.get("poll") is not None:
        _check_poll(check, f"{prefix}poll", body["poll"])
    if len(body.get("attachments") or ()) > MAX_ATTACHMENTS:
        check.fail(
            f"{prefix}attachments", "BASE_TYPE_BAD_LENGTH", "Must be between 0 and 10 in length."
        )
    if v2:
        _check_v2_exclusions(check, body, prefix)
    check.finish()


def _check_v2_exclusions(check: FormCheck, body: Json, prefix: str) -> None:
    for field in ("content", "embeds", "poll", "sticker_ids"):
        if body.get(field):
            message = f"The '{field}' field cannot be used when using MessageFlags.IS_COMPONENTS_V2"
            check.fail(
                f"{prefix}{field}", "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2", message
            )


def _check_nonce(check: FormCheck, nonce: Any) -> None:
    if nonce is not None and len(str(nonce)) > 25:
        check.fail("nonce", "NONCE_TYPE_TOO_LONG", "Must be 25 or fewer in length.")


def _check_embeds(check: FormCheck, path: str, embeds: Any) -> None:
    embeds = check.entries(path, embeds, 0, MAX_EMBEDS)
    for index, embed in enumerate(embeds):
        _check_embed(check, f"{path}.{index}", embed)
    if sum(_embed_length(embed) for embed in embeds) > MAX_EMBED_TOTAL:
        check.fail(path, "MAX_EMBED_SIZE_EXCEEDED", "Embed size exceeds maximum size of 6000")


def _check_embed(check: FormCheck, path: str, embed: Json) -> None:
    check.text(f"{path}.title", embed.get("title"), 0, 256)
    check.text(f"{path}.description", embed.get("description"), 0, 4_096)
    check.text(f"{path}.footer.text", (embed.get("footer") or {}).get("text"), 0, 2_048)
    check.text(f"{path}.author.name", (embed.get("author") or {}).get("name"), 0, 256)
    check.number(f"{path}.color", embed.get("color"), 0, 0xFFFFFF)
    fields = check.entries(f"{path}.fields", embed.get("fields") or [], 0, 25)
    for index, field in enumerate(fields):
        check.text(f"{path}.fields.{index}.name", field.get("name"), 1, 256, required=True)
        check.text(f"{path}.fields.{index}.value", field.get("value"), 1, 1_024, required=True)
    _check_embed_urls(check, path, embed)


def _check_embed_urls(check: FormCheck, path: str, embed: Json) -> None:
    urls = {"url": embed.get("url")}
    for part, key in (
        ("image", "url"),
        ("thumbnail", "url"),
        ("author", "icon_url"),
        ("footer", "icon_url"),
    ):
        urls[f"{part}.{key}"] = (embed.get(part) or {}).get(key)
    for key, url in urls.items():
        if url and not str(url).startswith(_URL_SCHEMES):
            message = "Scheme must be one of ('http', 'https', 'attachment')."
            check.fail(
                f"{path}.{key}", "URL_TYPE_INVALID_SCHEME", f'"{url}" is not well formed. {message}'
            )


def _embed_length(embed: Json) -> int:
    texts = [embed.get("title"), embed.get("description")]
    texts += [(embed.get("footer") or {}).get("text"), (embed.get("author") or {}).get("name")]
    for field in embed.get("fields") or ():
        texts += [field.get("name"), field.get("value")]
    return sum(len(text) for text in texts if isinstance(text, str))


def _check_allowed_mentions(check: FormCheck, path: str, allowed: Json) -> None:
    kinds = allowed.get("parse") or []
    for index, kind in enumerate(kinds):
        check.choice(f"{path}.parse.{index}", kind, ("roles", "users", "everyone"))
    for kind in ("users", "roles"):
        listed = allowed.get(kind) or []
        check.entries(f"{path}.{kind}", listed, 0, 100)
        if listed and kind in kinds:
            message = f'parse:["{kind}"] and {kind}: [ids...] are mutually exclusive.'
            check.fail(path, "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE", message)


def _check_poll(check: FormCheck, path: str, poll: Json) -> None:
    check.text(
        f"{path}.question.text", (poll.get("question") or {}).get("text"), 1, 300, required=True
    )
    for index, answer in enumerate(check.entries(f"{path}.answers", poll.get("answers"), 1, 10)):
        text = (answer.get("poll_media") or {}).get("text")
        check.text(f"{path}.answers.{index}.poll_media.text", text, 1, 55, required=True)
    check.number(f"{path}.duration", poll.get("duration"), 1, 768)


def check_not_empty(content: str, *parts: Any) -> None:
    """Raise 50006 when a message would have nothing to show."""
    if not content.strip() and not any(parts):
        raise error(400, 50006)


def check_conversion(message: Message, body: Json, flags: int, prefix: str = "") -> None:
    """Raise 50035 when an edit would make a message one of Components V2 and keep what bars that.

    Content and embeds are kept unless the edit clears them; a poll or stickers can't be cleared.
    """
    if flags & MessageFlag.COMPONENTS_V2 and not message.flags & MessageFlag.COMPONENTS_V2:
        kept = {
            "content": body.get("content", message.content),
            "embeds": body.get("embeds", message.embeds),
            "poll": message.poll,
            "sticker_ids": message.sticker_items,
        }
        check = FormCheck()
        _check_v2_exclusions(check, kept, prefix)
        check.finish()
