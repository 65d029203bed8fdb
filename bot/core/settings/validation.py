"""What pydantic finds wrong with input, as errors by field in words for people."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from bot.core.errors import FieldError, InvalidInput
from bot.core.fields.unions import shown_tag, shown_tags, without_tags
from bot.core.i18n import N_, Alternatives, Message, _

_YES_OR_NO = _("This has to be yes or no (true or false).")
_WHOLE = _("This has to be a whole number.")
_NUMBER = _("This has to be a number.")
_TEXT = _("This has to be a text.")
_LIST = _("This has to be a list.")
_OBJECT = _("This has to be an object.")
_UNUSABLE = _("This value can't be used.")
_AT_LEAST = N_("At least {bound}, please.")

# By pydantic's error type.
_WORDS: Mapping[str, Message] = {
    "missing": _("This is needed."),
    "bool_type": _YES_OR_NO,
    "bool_parsing": _YES_OR_NO,
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_from_float": _WHOLE,
    "int_parsing_size": _("This number is too large."),
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "finite_number": _NUMBER,
    "string_type": _TEXT,
    "string_pattern_mismatch": _("This text does not have the right form."),
    "list_type": _LIST,
    "tuple_type": _LIST,
    "dict_type": _OBJECT,
    "model_type": _OBJECT,
    "union_tag_not_found": _("This has to be an object that says its type."),
    "recursion_loop": _("This goes too deep."),
}
# The same for errors about a bound, which pydantic gives in the context under this key.
_BOUNDED: Mapping[str, tuple[str, str]] = {
    "greater_than_equal": (_AT_LEAST, "ge"),
    "greater_than": (N_("This has to be more than {bound}."), "gt"),
    "less_than_equal": (N_("At most {bound}, please."), "le"),
    "less_than": (N_("This has to be less than {bound}."), "lt"),
    "string_too_short": (
        N_("This text is too short: it needs at least {bound} characters."),
        "min_length",
    ),
    "string_too_long": (
        N_("This text is too long: at most {bound} characters fit."),
        "max_length",
    ),
    "too_long": (N_("At most {bound} fit."), "max_length"),
    "too_short": (_AT_LEAST, "min_length"),
}
# NUL, which PostgreSQL has no place for, and halves of surrogates, which are no characters.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_CHOICES = frozenset({"literal_error", "enum"})

# The titles of a choice's values, marked for translation, by the field's name.
Titles = Mapping[str, Sequence[str]]


def invalid_input(
    error: ValidationError, titles: Mapping[str, str], choices: Titles | None = None
) -> InvalidInput:
    """Return the errors by field, each with a JSON pointer; `titles` are those of all fields.

    A validator of a model's own raises `ValueError` with a `Message`, or a text marked with `N_()`.
    """
    details = _without_echoes(error.errors(include_url=False, include_input=False))
    return from_field_errors([_field_error(one, titles, choices or {}) for one in details], titles)


def _without_echoes(details: Sequence[ErrorDetails]) -> list[ErrorDetails]:
    """Leave out that a list is too short when it is so only because its items were refused."""
    places = {detail["loc"][:end] for detail in details for end in range(len(detail["loc"]))}
    return [one for one in details if one["type"] != "too_short" or one["loc"] not in places]


def from_field_errors(errors: Collection[FieldError], titles: Mapping[str, str]) -> InvalidInput:
    """Return one error for several fields; a single one is told in the message already."""
    found = tuple(errors)
    name = found[0].pointer.lstrip("/").split("/")[0]
    if len(found) == 1 and name in titles:
        message = _("{field}: {problem}", field=_(titles[name]), problem=found[0].message)
    elif len(found) == 1:
        message = found[0].message
    else:
        message = _("Some values can't be used.")
    return InvalidInput(message, errors=found)


def find_unstorable(data: Mapping[str, Any]) -> list[FieldError]:
    """Return an error for each setting with a text in it that PostgreSQL or UTF-8 can't hold."""
    refused = _("This text has characters in it that can't be stored.")
    return [FieldError(pointer_to([name]), refused) for name in data if _has_unstorable(data[name])]


def _has_unstorable(value: Any) -> bool:
    # A stack of its own: what strangers send may be nested deeper than Python's.
    rest = [value]
    while rest:
        one = rest.pop()
        if isinstance(one, str) and _UNSTORABLE.search(one):
            return True
        if isinstance(one, Mapping):
            rest += [*one.keys(), *one.values()]
        elif isinstance(one, list | tuple):
            rest += one
    return False


def pointer_to(location: Collection[str | int]) -> str:
    """Return the JSON pointer (RFC 6901) to a place in a document."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in location)


def _field_error(detail: ErrorDetails, known: Collection[str], choices: Titles) -> FieldError:
    kind, context = detail["type"], detail.get("ctx", {})
    location = without_tags(detail["loc"])
    if kind == "extra_forbidden":
        # Inside a document other names are known than the settings'.
        message = unknown_name(str(location[-1]), known if len(location) == 1 else ())
    elif kind in _CHOICES:
        message = _choose(choices.get(str(location[0])) if location else None, context)
    else:
        message = _words_for(kind, context)
    return FieldError(pointer_to(location), message)


def _choose(titles: Sequence[str] | None, context: Mapping[str, Any]) -> Message:
    named = titles or re.findall(r"'([^']*)'", str(context.get("expected", "")))
    if not named:
        return _UNUSABLE
    return _("Choose one of these: {choices}.", choices=Alternatives([_(one) for one in named]))


def _unknown_tag(context: Mapping[str, Any]) -> Message:
    return _(
        "There is no {name} here. Choose one of these: {choices}.",
        name=shown_tag(str(context.get("tag", "")))[:60],
        choices=", ".join(shown_tags(str(context.get("expected_tags", "")))),
    )


def _words_for(kind: str, context: Mapping[str, Any]) -> Message:
    if kind == "union_tag_invalid":
        return _unknown_tag(context)
    if kind == "refused":  # by one of our own readers, which speak for themselves
        return context["message"]
    if kind == "value_error":
        return _words_in(context["error"])
    if kind in _BOUNDED:
        text, key = _BOUNDED[kind]
        return _(text, bound=str(context[key]))
    if kind == "string_pattern_mismatch" and str(context["pattern"]).startswith("^https://"):
        return _("An https address is needed, such as https://example.org/picture.png.")
    return _WORDS.get(kind, _UNUSABLE)


def _words_in(error: Exception) -> Message:
    said = error.args[0] if error.args else _UNUSABLE
    return said if isinstance(said, Message) else Message(str(said))


def unknown_name(name: str, known: Collection[str]) -> Message:
    """Return the message for a setting that does not exist, with the nearest that does."""
    nearest = difflib.get_close_matches(name.casefold(), list(known), n=1)
    if nearest:
        return _(
            "There is no setting {name}. Did you mean {nearest}?",
            name=name[:60],
            nearest=nearest[0],
        )
    if not known:
        return _("There is no setting {name}.", name=name[:60])
    return _(
        "There is no setting {name}. There are: {names}.", name=name[:60], names=", ".join(known)
    )
