"""Shelf: a tape as text, as DOT, as a picture."""

from .dot import dot as dot
from .picture import svg as svg
from .text import text as text
