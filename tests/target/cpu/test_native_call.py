"""Programs are run in test_native.py; here is what machine code and Python must agree on."""

from nbgrad.target.cpu import native_call as native
from nbgrad.target.cpu.native import VALUES, make_step
from nbgrad.target.cpu.words import Variable


def test_every_variable_has_a_value():
    names = {name for name, value in vars(native).items() if isinstance(value, Variable)}
    assert names == set(VALUES)
    assert all(VALUES.values())


def test_a_step_has_its_words_where_the_loop_looks():
    step = make_step(77, (5, -6), 1, (0, -1, 2))
    word = lambda at: step[at // 8]
    assert (word(native.KERNEL), word(native.TILES), word(native.POINTERS), word(native.WORDS)) == (77, 1, 3, 2)
    assert step[native.STEP_WORDS // 8 :] == (0, -1, 2, 5, -6)
