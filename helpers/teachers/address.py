"""A server's address with all that is to be said of it, in one text.

``https://host/v1#model?choices=8&price=0.5,1.5&key=MY_KEY``: it stands in a
profile, where a teacher's name stands, and holds no secret.
"""

import json
import re

from helpers.tools.arguments import plain_number

# Option -> how its text is read.  Whatever else a server wants goes into
# extra, as JSON.
OPTIONS = {"choices": int, "concurrency": int, "per_minute": float,
           "timeout": float, "tries": int, "pause": float, "patience": float,
           "price": lambda text: tuple(float(x) for x in text.split(",")),
           "key": str, "header": str, "extra": json.loads}
# Option -> whether it counts something, and from where to where it goes.
FROM_TO = {"choices": (True, 1, 10_000), "concurrency": (True, 1, 1000),
          "tries": (True, 1, 1000), "per_minute": (False, 0.001, 1e6),
          "timeout": (False, 0.001, 86_400), "pause": (False, 0, 86_400),
          "patience": (False, 0, 864_000)}
# How the keys of many servers begin; no name of a variable does.
KEY = re.compile(r"(sk|pk|gsk|hf|xai)[-_]|AIza|.*\W", re.ASCII | re.DOTALL)


def read_address(name):
    """(url, model, options) of the name of a server.

    ``options`` are fields of :class:`~helpers.teachers.endpoint.Endpoint`.
    Raises ``ValueError`` for an option that is not known or not readable.
    """
    url, _, rest = name.partition("#")
    model, _, told = rest.partition("?")
    options = {}
    for part in filter(None, told.split("&")):
        option, _, text = part.partition("=")
        if option not in OPTIONS:
            raise ValueError(f"{option!r:.40} is nothing that can be said of "
                             f"a server; behind the ? may stand "
                             f"{', '.join(OPTIONS)}")
        try:
            value = OPTIONS[option](text)
            if option == "price" and len(value) != 2 or (
                    option == "extra" and not isinstance(value, dict)):
                raise ValueError
        except ValueError:
            raise ValueError(
                f"{option}={text[:40]} cannot be read; write for example "
                f"choices=8, price=0.5,1.5 (dollars for a million tokens, "
                f"read and written), key=MY_VARIABLE or "
                f'extra={{"top_k": -1}}') from None
        options["key_from" if option == "key" else option] = value
    return url, model, options


def check_options(endpoint):
    """Raises ``ValueError`` for a number or a name that can be none.

    A key in the place of its variable's name is not repeated.
    """
    for option, (whole, low, high) in FROM_TO.items():
        value = getattr(endpoint, option)
        if value is not None:
            plain_number(option, value, whole, low, high)
    for dollars in endpoint.price or ():
        plain_number("price", dollars, False, 0, 1e6)
    if KEY.match(endpoint.key_from or ""):
        raise ValueError("key is the name of the environment variable that "
                         "holds the key, MY_KEY say, and this is no name; a "
                         "key itself must not stand in a notebook")
    if endpoint.header and not re.fullmatch(r"[\w-]+", endpoint.header,
                                            re.ASCII):
        raise ValueError(f"{endpoint.header!r:.40} is no name of a header; "
                         f"write for example header=api-key")
