from nbgrad.ops.activation import relu
from nbgrad.ops.arithmetic import add
from nbgrad.plan.epilogue import COLUMN, MATRIX, ROW, Epilogue, extra_words
from nbgrad.plan.plan import Layout, packed


def test_an_epilogue_is_named_by_its_rows():
    assert Epilogue(((add, (0, 1)), (relu, (2,))), (COLUMN,)).name == "add_relu"
    assert Epilogue().name == ""


def test_words_are_strides_over_matrices_and_rows():
    extras = packed((5,), "float32"), Layout((7,), (3,), "float32"), packed((2, 7, 5), "float32")
    assert extra_words(Epilogue((), (COLUMN, ROW, MATRIX)), extras) == [0, 0, 0, 3, 35, 5]
