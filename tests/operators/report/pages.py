"""A page as a parser sees it: elements, attributes and text, every element closed where it belongs."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

_VOID = {"meta", "br", "hr", "img", "input", "link", "col"}


@dataclass
class Element:
    name: str
    attributes: dict[str, str]
    inside: list["Element"] = field(default_factory=list)
    words: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """Its text and that of all within."""
        return " ".join((*self.words, *(each.text for each in self.inside)))

    def all(self, name: str, **attributes: str) -> list["Element"]:
        """Elements of a name within it, in their order."""
        found = []
        for each in self.inside:
            if each.name == name and attributes.items() <= each.attributes.items():
                found.append(each)
            found += each.all(name, **attributes)
        return found

    def every(self) -> list["Element"]:
        """All elements within it."""
        return [each for child in self.inside for each in (child, *child.every())]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open = [Element("", {})]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"an attribute twice in {tag}"
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].inside.append(element)
        if tag not in _VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop().name == tag, f"{tag} is closed elsewhere"

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.open[-1].words.append(data.strip())


def parse(page: str) -> Element:
    """The document; fails where elements are not nested."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    assert len(reader.open) == 1, f"{reader.open[-1].name} is not closed"
    return reader.open[0]
