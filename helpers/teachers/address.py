"""A server's address with all that is to be said of it, in one text.

``https://host/v1#model?choices=8&price=0.5,1.5&key=MY_KEY``: it stands in a
profile, where a teacher's name stands, and holds no secret.
"""

import json

# Option -> how its text is read.  Whatever else a server wants goes into
# extra, as JSON.
OPTIONS = {"choices": int, "concurrency": int, "per_minute": float,
           "timeout": float, "tries": int, "pause": float, "patience": float,
           "price": lambda text: tuple(float(x) for x in text.split(",")),
           "key": str, "header": str, "extra": json.loads}


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
