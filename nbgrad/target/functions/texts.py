"""The text of a derivative: found on disk where all that it depends on is as it was, else written.

A record beside the texts, named by the hash of what the text depends on, says which file it is, and what else is known of the
function. A text that was changed or deleted is written anew, as is one of which not all can be told that it depends on.
"""

import json

from ...ad.told import told
from ..cpu import engine, store
from . import files


def text_for(derivative, kinds):
    """Return (text, name of its function, objects that the text names) of a derivative for argument types."""
    meaning = told(derivative, kinds)
    record = meaning and f"{derivative.name[:80]}_{engine.key(files.writers() + meaning.text)}.json"
    found = _kept(record, derivative, kinds, meaning.classes) if record else None
    if found is None:
        found = _written(derivative, kinds)
        if record and all(meaning.classes.get(n) is cls for n, cls in found[2].items()):
            _keep(record, derivative, kinds, *found)
    return found


def _written(d, kinds):
    """Write a text."""
    function = d.statements(kinds)
    return files.text_of(function, d.title(kinds), d.option_text), d.name, files.classes(function.results)


def _keep(record, d, kinds, text, name, classes):
    """Note which text it is; the text itself is written when it is loaded."""
    own = kinds[: len(d.base)]
    known = {"file": files.file_name(text, name), "classes": sorted(classes),
             "changed": sorted(d.changed[own]), "steered": bool(d.steered[own])}  # fmt: skip
    store.write_checked(record, json.dumps(known).encode())


def _kept(record, d, kinds, classes):
    """Return what `text_for` returns, None where there is no such text; tell the derivative what is known of its function."""
    body = store.read_checked(record)
    if body is None:
        return None
    known = json.loads(body)
    try:
        text = store.path(known["file"]).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    if files.file_name(text, d.name) != known["file"]:
        return None
    own = kinds[: len(d.base)]
    d.changed[own], d.steered[own] = set(known["changed"]), known["steered"]
    return text, d.name, {n: classes[n] for n in known["classes"]}
