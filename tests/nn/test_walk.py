from collections import OrderedDict, namedtuple

from nbgrad.nn.walk import substitute, tensors_below, within


class Room:
    def __init__(self, **members):
        self.__dict__.update(members)


class Leaf:
    pass


def test_each_tensor_is_found_once_by_its_first_name():
    a, b = Leaf(), Leaf()
    tree = Room(x=a, rooms=[Room(y=b, x=a), (Room(),)], other={"k": b}, text="abc")
    assert list(tensors_below(tree, Room, Leaf)) == [("x", a), ("rooms.0.y", b)]


def test_rooms_that_hold_each_other_end():
    a, b = Room(), Room()
    a.other, b.other = b, a
    assert list(within(a, Room)) == [("", a), ("other", b)]
    assert list(tensors_below(a, Room, Leaf)) == []


def test_substitute_keeps_kinds_and_what_does_not_change():
    pair = namedtuple("pair", "left right")
    a, b, c = Leaf(), Leaf(), Leaf()
    value = OrderedDict(p=pair(a, b), q=[b, (a,)], r=[b])
    new = substitute(value, {id(a): c})
    assert new == OrderedDict(p=pair(c, b), q=[b, (c,)], r=[b])
    assert type(new) is OrderedDict
    assert type(new["p"]) is pair
    assert new["r"] is value["r"]
    assert value["p"].left is a
    assert substitute(value, {}) is value
