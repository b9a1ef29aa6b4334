"""Whether what is shown can be read: contrast as WCAG computes it."""

import re
from html.parser import HTMLParser

WANTED = 4.5
# What stands behind an output: JupyterLab light and dark, VS Code dark.
THEMES = ("#ffffff", "#111111", "#212121", "#1e1e1e")
COLOUR = re.compile(r"(?:^|;)\s*(background-color|background|color):\s*"
                    r"(#[0-9a-fA-F]{6})\b")
ANY_COLOUR = re.compile(r"(?:background(?:-color)?|(?<!-)color)\s*:|bgcolor=")


def luminance(colour):
    """Of "#rrggbb": 0 for black, 1 for white."""
    parts = [int(colour[at:at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045
                        else ((part + 0.055) / 1.055) ** 2.4
                        for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    """From 1, the same colour, to 21, black on white."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


class _Reader(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.poor = [("", None, None)], []

    def handle_starttag(self, tag, attrs):
        _, ink, page = self.open[-1]
        style = dict(attrs).get("style") or ""
        found = dict(COLOUR.findall(style))
        # A colour in another spelling would be taken for none.
        assert len(found) == len(ANY_COLOUR.findall(style)), style
        ink = found.get("color", ink)
        page = found.get("background-color", found.get("background", page))
        if tag not in ("br", "wbr", "img", "hr"):
            self.open.append((tag, ink, page))

    def handle_endtag(self, tag):
        if tag in [name for name, *_ in self.open]:
            while self.open.pop()[0] != tag:
                pass

    def handle_data(self, data):
        _, ink, page = self.open[-1]
        if not data.strip() or not (ink or page):
            return                            # as the theme writes it
        for behind in [page] if page else THEMES:
            # On its own page the theme's ink may be white or black.
            if not ink or contrast(ink, behind) < WANTED:
                self.poor.append((data, ink, behind))


def hard_to_read(html):
    """The texts of ``html`` that are too faint in a theme, and why.

    (text, its colour, what is behind it); None is a colour of the theme.
    """
    reader = _Reader()
    reader.feed(html)
    return reader.poor
