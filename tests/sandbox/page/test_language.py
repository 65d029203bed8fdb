"""The page in two languages: its own texts, what it is refused, and what the bot is told."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.sandbox import Sandbox
from bot.sandbox import page as page_package
from bot.sandbox.guild import Guild
from bot.sandbox.page.command_views import view_used
from bot.sandbox.page.files import load_files
from bot.sandbox.page.spanish import REFUSALS
from bot.sandbox.page.wording import locale_of, refusal
from tests.sandbox.page.browser import Browser

SANDBOX = Path(page_package.__file__).parents[1]
# Where what a visitor is refused is worded.
REFUSING = ("person", "writing", "actor", "command_data", "modal_data")
REFUSING_PAGE = ("page/acting", "page/reading", "page/interacting", "page/visit")
ERRORS = ("NotPossibleError", "NotThereError", "UnfitError")


def texts(name: str) -> dict[str, str]:
    source = load_files()[name].body.decode()
    return json.loads(source[source.index("{\n") :].rstrip(";\n"))


def holes(text: str) -> list[str]:
    return sorted(re.findall(r"\{(\w*)\}", text))


# -- the page's own texts -------------------------------------------------------------------------


def test_both_languages_have_the_same_texts() -> None:
    english, spanish = texts("english.js"), texts("spanish.js")
    assert list(english) == list(spanish)
    for key, text in english.items():
        assert text.strip(), key
        assert spanish[key].strip(), key
        assert holes(text) == holes(spanish[key]), key


def test_page_uses_the_texts_there_are() -> None:
    files = {name: file.body.decode() for name, file in load_files().items()}
    sources = "\n".join(
        text for name, text in files.items() if name not in ("english.js", "spanish.js")
    )
    used = set(re.findall(r'data-(?:text|label|tip)="(\w+)"', files["index.html"]))
    calls = re.findall(r"\b(?:t|said)\(([^()]*?)[,)]", sources)
    used |= {key for call in calls for key in re.findall(r'"(\w+)"', call)}
    used |= set(re.findall(r'"(typing\w+)"', files["stream.js"]))
    assert used == set(texts("english.js"))


# -- what the sandbox refuses ---------------------------------------------------------------------


def template(node: ast.expr) -> str | None:
    """Return a text with `{}` for what is put into it, None for what is no text."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if not isinstance(node, ast.JoinedStr):
        return None
    parts = (part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)
    return "".join(map(str, parts))


def raised(source: str) -> Iterator[str]:
    """Yield what a module may refuse, as templates."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        text = template(node.args[-1]) if node.args else None
        if text is None:
            continue
        if name in ERRORS:
            yield text
        elif method == "_need":
            yield f"{{}} may not {text} in #{{}}"
        elif method == "_need_in_guild":
            yield f"{{}} may not {text}"


def test_every_refusal_is_known_in_spanish() -> None:
    found: set[str] = set()
    for name in (*REFUSING, *REFUSING_PAGE):
        found |= set(raised((SANDBOX / f"{name}.py").read_text()))
    # person.py puts together what the calls of _need() above say.
    found -= {"{} may not {} in #{}", "{} may not {}"}
    assert found - set(REFUSALS) == set()
    for english, spanish in REFUSALS.items():
        numbers = {int(hole) for hole in holes(spanish)}
        assert numbers <= set(range(english.count("{}"))), english


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("vera_1 may not write in #general", "No puedes escribir en #general."),
        ("the option {kind} is required", "La opción {kind} es obligatoria."),
        ("Name is required", "Name es obligatorio."),
        (
            "Your message could not be sent. It has content that this server does not allow.",
            "No se ha podido enviar tu mensaje. Contiene algo que este servidor no permite.",
        ),
        ("Nada de enlaces aquí.", "Nada de enlaces aquí."),
    ],
)
def test_refusal_is_told_in_spanish(reason: str, told: str) -> None:
    assert refusal(reason, "es-ES", name="vera_1") == told


def test_language_is_what_the_page_asks_for() -> None:
    assert [locale_of(tag) for tag in ("es-ES", "es", "en-US", "de", "")] == [
        "es-ES",
        "es-ES",
        "en-US",
        "en-US",
        "en-US",
    ]


async def test_visitor_is_refused_in_their_language(browser: Browser, guild: Guild) -> None:
    browser.language = "es-ES"
    refused = await browser.ask("POST", "/visitors", name="", expect=400)
    assert refused["error"] == "Un nombre tiene de 1 a 32 caracteres."
    refused = await browser.ask("GET", f"/guilds/{guild.id}", expect=401)
    assert refused["error"] == "Elige primero un nombre."


# -- what the bot is told -------------------------------------------------------------------------


@pytest.mark.parametrize("admin", [False, True])
async def test_bot_is_told_the_language(
    browser: Browser, harbour: Guild, sandbox: Sandbox, admin: bool
) -> None:
    await browser.arrive(harbour)
    await browser.ask("PUT", "/identity", admin=admin)
    path = f"/channels/{harbour.channel('general').id}"
    for language in ("es-ES", "en-US"):
        browser.language = language
        await browser.ask("POST", f"{path}/commands", command="panel")
        await browser.ask(
            "POST", f"{path}/autocomplete", command="pick", option="thing", typed="buo"
        )
        panel = next(reversed(harbour.channel("general").messages))
        await browser.ask("POST", f"{path}/messages/{panel}/components", custom_id="form")
        told = [entry.locale for entry in sandbox.interactions.journal][-3:]
        assert told == [language] * 3


async def test_commands_are_listed_in_the_language(browser: Browser, translated: Guild) -> None:
    await browser.arrive(translated)
    path = f"/channels/{translated.channel('general').id}/commands"
    listed = {}
    for language in ("en-US", "es-ES"):
        browser.language = language
        (listed[language],) = (await browser.ask("GET", path))["commands"]
    spanish, english = listed["es-ES"], listed["en-US"]
    assert (english["label"], english["description"]) == ("greet", "Greetings")
    assert (spanish["name"], spanish["label"]) == ("greet", "saludar")
    step = spanish["options"][0]
    assert (step["name"], step["label"], step["description"]) == ("people", "gente", "Saluda")
    option = step["options"][0]
    assert (option["name"], option["label"], option["required"]) == ("how", "cómo", True)
    assert option["choices"] == [{"name": "Alto", "value": "loud"}]


async def test_answer_says_who_used_what(browser: Browser, translated: Guild) -> None:
    account = await browser.arrive(translated)
    events = await browser.listen()
    path = f"/channels/{translated.channel('general').id}"
    await browser.ask("POST", f"{path}/commands", command="greet people", options={"how": "loud"})
    used = (await events.until("message"))["message"]["used"]
    assert (used["by"]["id"], used["by"]["name"]) == (account, "Vera")
    assert used["command"] == {"en-US": "/greet people", "es-ES": "/saludar gente"}


def test_menu_command_is_named_as_a_whole(sandbox: Sandbox) -> None:
    menu = {"type": 3, "name": "Show card", "name_localizations": {"es-ES": "Ver tarjeta"}}
    sandbox.application.commands[1] = menu
    used = view_used(sandbox.application, None, {"name": "Show card", "command_type": 3})
    assert used == {"en-US": "Show card", "es-ES": "Ver tarjeta"}
