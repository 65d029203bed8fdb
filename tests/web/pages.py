"""Pages as a browser without scripts uses them: forms with what would be sent, texts, labels."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlencode

from aiohttp import ClientResponse

from tests.web.support import World

Pairs = list[tuple[str, str]]
_NO_LINE = {"Sec-Fetch-Site": "same-origin", "Accept": "text/html"}


@dataclass
class Form:
    """A form as it stands on a page: where it goes, and what it would send."""

    action: str
    method: str
    pairs: Pairs = field(default_factory=list)

    def sets(self, name: str, *values: str) -> Form:
        """Return the form with other values in a field, as a person would have entered them."""
        kept = [pair for pair in self.pairs if pair[0] != name]
        return Form(self.action, self.method, [*kept, *((name, one) for one in values)])

    def value(self, name: str) -> str:
        """Return what would be sent for a field; of several values, the last."""
        return [value for known, value in self.pairs if known == name][-1]


class Page(HTMLParser):
    """What is on a page: forms, ids, labels, described fields, and tags with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.ids: list[str] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.language = ""
        self._select = ""
        self._options: list[tuple[str, bool]] = []
        self._area: str | None = None
        self._typed = ""
        self.feed(text)

    def form(self, action: str) -> Form:
        """Return the one form that goes to an address."""
        [found] = [one for one in self.forms if one.action == action and one.method == "post"]
        return found

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.tags.append((tag, values))
        self.ids += [values["id"]] if "id" in values else []
        if tag == "html":
            self.language = values["lang"]
        elif tag == "form":
            self.forms.append(Form(values.get("action", ""), values.get("method", "get")))
        elif tag == "input" and "name" in values:
            is_box = values.get("type") in ("checkbox", "radio")
            if not is_box or "checked" in values:
                self.forms[-1].pairs.append((values["name"], values.get("value", "")))
        elif tag == "select":
            self._select, self._options = values["name"], []
        elif tag == "option" and self._select:
            self._options.append((values.get("value", ""), "selected" in values))
        elif tag == "textarea":
            self._area, self._typed = values["name"], ""

    def handle_data(self, data: str) -> None:
        if self._area is not None:
            self._typed += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            chosen = [value for value, is_chosen in self._options if is_chosen]
            first = [value for value, _ in self._options][:1]
            self.forms[-1].pairs += [(self._select, one) for one in (chosen or first)]
            self._select = ""
        elif tag == "textarea" and self._area is not None:
            # The first line break after the tag is not part of the text; the others go as CR LF.
            text = self._typed.removeprefix("\n").replace("\n", "\r\n")
            self.forms[-1].pairs.append((self._area, text))
            self._area = None


async def visit(world: World, path: str, **headers: str) -> Page:
    """Return a page that is there."""
    response = await world.client.get(path, headers={"Accept": "text/html"} | headers)
    assert response.status == 200, await response.text()
    return Page(await response.text())


async def submit(world: World, form: Form, **headers: str) -> ClientResponse:
    """Send a form as a browser does from a page of ours; a redirect is not followed."""
    return await world.client.post(
        form.action,
        data=urlencode(form.pairs),
        headers=_NO_LINE | {"Content-Type": "application/x-www-form-urlencoded"} | headers,
        allow_redirects=False,
    )


def fill(form: Form, **texts: str) -> Form:
    """Return the form with texts typed into it; two underscores stand for a dot."""
    for name, text in texts.items():
        form = form.sets(name.replace("__", "."), text)
    return form


def errors_on(page: Page, text: str) -> dict[str, str]:
    """Return what is said beside each field that is marked as wrong."""
    marked = {
        tag.get("name") or tag["id"].removeprefix("f-")
        for _, tag in page.tags
        if "aria-invalid" in tag
    }
    said = re.findall(r'<p class="error" id="e-([^"]+)">([^<]*)</p>', text)
    assert marked <= {name for name, _ in said}
    return dict(said)


def alert_on(text: str) -> str:
    """Return what a page says is wrong in all."""
    [section] = re.findall(r'role="alert".*?</section>', text, re.DOTALL)
    return section
