"""From a request body to the fields of a message.

The same for channels, webhooks and interactions.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..channel import Channel
from ..files import keep_file
from ..interactions import ATTACHMENT_SIZE_LIMIT
from ..mentions import NOBODY, Mentions, find_mentions
from ..models import Attachment, Message, MessageFlag, walk_components
from ..payloads import render_attachment
from ..polls import start_poll
from ..stickers import MOST_PER_MESSAGE, find_stickers
from .call import Upload
from .errors import FormCheck, RestError, invalid_form
from .message_rules import check_conversion, check_message, check_not_empty

Json = dict[str, Any]

_SETTABLE = (
    MessageFlag.SUPPRESS_EMBEDS
    | MessageFlag.SUPPRESS_NOTIFICATIONS
    | MessageFlag.COMPONENTS_V2
    | MessageFlag.EPHEMERAL
)


@dataclass(slots=True)
class Draft:
    """A checked message that is not posted yet."""

    content: str = ""
    embeds: list[Json] = field(default_factory=list)
    components: list[Json] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    flags: int = 0
    mentions: Mentions = NOBODY
    tts: bool = False
    nonce: str | None = None
    poll: Json | None = None
    sticker_items: list[Json] = field(default_factory=list)

    def fields(self) -> Json:
        """Return the keyword arguments for `Channel.new_message` beside author and content."""
        return {
            "embeds": self.embeds,
            "components": self.components,
            "attachments": self.attachments,
            "flags": self.flags,
            "mentions": self.mentions,
            "tts": self.tts,
            "nonce": self.nonce,
            "poll": self.poll,
            "sticker_items": self.sticker_items,
        }


def read_draft(
    body: Json,
    uploads: list[Upload],
    channel: Channel,
    *,
    may_ping_everyone: bool = True,
    prefix: str = "",
) -> Draft:
    """Return the draft of a new message; raises 50035 and 50006."""
    flags = int(body.get("flags") or 0) & _SETTABLE
    check_message(body, flags=flags, prefix=prefix)
    content = body.get("content") or ""
    attachments = _new_attachments(channel, body.get("attachments"), uploads)
    embeds, components = body.get("embeds") or [], body.get("components") or []
    if flags & MessageFlag.COMPONENTS_V2:
        check_not_empty("", components)
    else:
        check_not_empty(
            content, embeds, attachments, body.get("poll"), body.get("sticker_ids"), components
        )
    allowed = body.get("allowed_mentions")
    text = content or _component_text(components)
    return Draft(
        content,
        _finish_embeds(embeds, attachments, channel),
        _finish_components(components, attachments, channel),
        attachments,
        flags,
        find_mentions(text, allowed, may_ping_everyone=may_ping_everyone),
        bool(body.get("tts")),
        None if body.get("nonce") is None else str(body["nonce"]),
        start_poll(body.get("poll")),
        _find_stickers(channel, body.get("sticker_ids")),
    )


def _find_stickers(channel: Channel, ids: Any) -> list[Json]:
    """Return the stickers of a message; raises 50035 for too many or unknown ones."""
    check = FormCheck()
    listed = check.entries("sticker_ids", ids or [], 0, MOST_PER_MESSAGE)
    check.finish()
    try:
        return find_stickers(channel.world, map(int, listed))
    except KeyError:
        raise invalid_form("sticker_ids", "STICKER_UNKNOWN", "Unknown sticker") from None


def read_edit(body: Json, uploads: list[Upload], message: Message, *, prefix: str = "") -> Json:
    """Return the changes an edit makes to a message's fields; raises 50035 and 50006."""
    flags = message.flags
    if body.get("flags") is not None:
        # What makes it one of Components V2 is never taken off again.
        wanted = int(body["flags"]) & _SETTABLE
        flags = (flags & ~MessageFlag.SUPPRESS_EMBEDS) | (wanted & ~MessageFlag.EPHEMERAL)
    check_message(body, flags=flags, prefix=prefix)
    check_conversion(message, body, flags, prefix)
    changes: Json = {"flags": flags}
    attachments = message.attachments
    if "attachments" in body or uploads:
        attachments = _edited_attachments(message, body, uploads)
        changes["attachments"] = attachments
    if "content" in body:
        changes["content"] = body["content"] or ""
        found = find_mentions(changes["content"], body.get("allowed_mentions"))
        changes |= {
            "mentions": found.users,
            "mention_roles": found.roles,
            "mention_everyone": found.everyone,
        }
    if "embeds" in body:
        changes["embeds"] = _finish_embeds(body["embeds"] or [], attachments, message.channel)
    if "components" in body:
        changes["components"] = _finish_components(
            body["components"] or [], attachments, message.channel
        )
    _check_still_shows(message, changes)
    return changes


def _check_still_shows(message: Message, changes: Json) -> None:
    names = ("embeds", "attachments", "components")
    check_not_empty(
        changes.get("content", message.content),
        *(changes.get(name, getattr(message, name)) for name in names),
        message.poll,
        message.sticker_items,
    )


def _edited_attachments(message: Message, body: Json, uploads: list[Upload]) -> list[Attachment]:
    listed = body.get("attachments")
    if listed is None:
        return message.attachments + _new_attachments(message.channel, None, uploads)
    wanted = {str(entry.get("id")) for entry in listed}
    kept = [entry for entry in message.attachments if str(entry.id) in wanted]
    return kept + _new_attachments(message.channel, listed, uploads)


def _new_attachments(channel: Channel, listed: Any, uploads: list[Upload]) -> list[Attachment]:
    described = {str(entry.get("id")): entry for entry in listed or () if isinstance(entry, dict)}
    if any(len(upload.content) > ATTACHMENT_SIZE_LIMIT for upload in uploads):
        raise RestError(413, 40005, "Request entity too large")
    made = []
    for index, upload in enumerate(uploads):
        key = upload.key.removeprefix("files[").removesuffix("]")
        entry = described.get(key, described.get(str(index), {}))
        made.append(
            keep_file(
                channel.world,
                str(entry.get("filename") or upload.filename),
                upload.content,
                content_type=upload.content_type,
                description=entry.get("description"),
            )
        )
    return made


def _finish_embeds(
    embeds: list[Json], attachments: list[Attachment], channel: Channel
) -> list[Json]:
    """Return embeds as Discord stores them: typed, with `attachment://` turned into addresses."""
    urls = _attachment_urls(attachments, channel)
    finished = []
    for embed in embeds:
        entry: Json = {
            "type": "rich",
            **{key: value for key, value in embed.items() if value is not None},
        }
        for part in ("image", "thumbnail"):
            url = (entry.get(part) or {}).get("url")
            if url:
                entry[part] = {
                    "url": urls.get(url, url),
                    "proxy_url": urls.get(url, url),
                    "width": 0,
                    "height": 0,
                }
        finished.append(entry)
    return finished


def _finish_components(
    components: list[Json], attachments: list[Attachment], channel: Channel
) -> list[Json]:
    """Number the components that have no id of their own, and resolve the files they show."""
    urls = _attachment_urls(attachments, channel)
    taken = {entry["id"] for entry in walk_components(components) if entry.get("id")}
    number = 0
    for entry in walk_components(components):
        if not entry.get("id"):
            number += 1
            while number in taken:
                number += 1
            entry["id"] = number
        media = [
            entry.get("media"),
            entry.get("file"),
            *(item.get("media") for item in entry.get("items") or ()),
        ]
        for item in media:
            if isinstance(item, dict) and item.get("url") in urls:
                item["url"] = item["proxy_url"] = urls[item["url"]]
    return components


def _attachment_urls(attachments: list[Attachment], channel: Channel) -> dict[str, str]:
    return {
        f"attachment://{entry.filename}": render_attachment(
            entry, channel.id, channel.world.cdn_url
        )["url"]
        for entry in attachments
    }


def _component_text(components: list[Json]) -> str:
    return "\n".join(
        str(entry["content"]) for entry in walk_components(components) if entry.get("content")
    )
