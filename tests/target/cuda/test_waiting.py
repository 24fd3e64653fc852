"""Who waits to be heard of: asked in order, each until it takes itself back."""

import pytest

from nbgrad.target.cuda import waiting

pytestmark = pytest.mark.cuda


class Asked:
    def __init__(self, asked, error=None):
        self.asked, self.error = asked, error

    def resolve(self):
        self.asked.append(self)
        waiting.forget(self)
        if self.error is not None:
            raise self.error


def test_all_are_asked_in_order_until_one_raises():
    waiting.known()
    asked = []
    good, bad, last = Asked(asked), Asked(asked, ZeroDivisionError()), Asked(asked)
    for one in (good, bad, good, last):
        waiting.wait_for(one)
    with pytest.raises(ZeroDivisionError):
        waiting.known()
    assert asked == [good, bad]
    waiting.known()
    assert asked == [good, bad, last]
    waiting.forget(last)
