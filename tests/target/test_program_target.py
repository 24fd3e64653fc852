"""Programs are of the target that their arrays lie on."""

import numpy as np
import pytest

from nbgrad.ops.table import table
from nbgrad.plan.calls import ARGUMENT, MADE, Call, Record, Ref, Slot
from nbgrad.plan.plan import packed
from nbgrad.plan.whole import plan_record
from nbgrad.target.cuda.array import to_host
from nbgrad.target.program import maker_of, program
from nbgrad.target.run import put

pytestmark = pytest.mark.cuda


@pytest.mark.parametrize("number", [None, 0])
def test_a_schedule_runs_where_its_arrays_are(number, rng):
    a, flat = rng.standard_normal(5), packed((5,), "float64")
    calls = (Call(table["exp"], {}, (Ref(0, flat),), (Ref(1, flat),)), Call(table["neg"], {}, (Ref(1, flat),), (Ref(2, flat),)))
    record = Record(calls, (Slot(ARGUMENT, 40), Slot(MADE, 40), Slot(MADE, 40)), (Ref(2, flat),))
    made = program(plan_record(record, (0, 2), set(), device=number is not None), (0, 2), number)
    x, out = (a if number is None else put(a, "cuda")), maker_of((5,), np.dtype("float64"), number)()
    assert made.run([x, out]) is None
    np.testing.assert_allclose(out if number is None else to_host(out), -np.exp(a), rtol=1e-14)
