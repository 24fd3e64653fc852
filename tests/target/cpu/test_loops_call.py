"""Programs are run in test_native.py; here is what machine code and Python must agree on."""

from nbgrad.target.cpu import loops_call as loops
from nbgrad.target.cpu.native import STATE, make_step


def test_every_word_of_the_state_is_set():
    assert STATE.size == loops.C_END // 8
    names = [n for n in vars(loops) if n.startswith("C_") and n != "C_END"]
    assert all(STATE[getattr(loops, n) // 8] for n in names)


def test_a_step_has_its_words_where_the_loop_looks():
    step = make_step(77, (5, -6), 1, (0, -1, 2))
    word = lambda at: step[at // 8]
    assert (word(loops.KERNEL), word(loops.TILES), word(loops.POINTERS), word(loops.WORDS)) == (77, 1, 3, 2)
    assert step[loops.STEP_WORDS // 8 :] == (0, -1, 2, 5, -6)
