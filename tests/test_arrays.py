"""Arrow arrays made without pandas are those that pyarrow makes."""

from __future__ import annotations

import datetime
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trtlog._util.arrow import from_list, from_numpy, is_valid, no_values, to_filled
from trtlog._util.arrow_memory import SystemMemory
from trtlog.tables.schema import ARROW_TYPES

VALUES = {
    "int32": st.integers(-(2**31), 2**31 - 1),
    "int64": st.integers(-(2**63), 2**63 - 1),
    "uint64": st.integers(0, 2**64 - 1),
    "float64": st.floats(allow_nan=False) | st.integers(-5, 5),
    "bool": st.booleans(),
    "text": st.text(),
    "name": st.sampled_from(["a", "b", "é", ""]),
    "texts": st.lists(st.none() | st.text()),
    "int64s": st.lists(st.none() | st.integers(-9, 9)) | st.tuples(st.integers(-9, 9)),
    "float64s": st.lists(st.floats(allow_nan=False)),
    "tensors": st.lists(
        st.none()
        | st.fixed_dictionaries(
            {}, optional={"tensor": st.none() | st.text(), "shape": st.none() | st.lists(st.integers(-9, 9))}
        )
    ),
    "json": st.text(),
    "time": st.datetimes(min_value=datetime.datetime(1900, 1, 1)).map(lambda t: t.replace(microsecond=0)),
}


# Made once: to make them is more work than to draw from them.
LISTS = {name: st.lists(st.none() | values, max_size=8) for name, values in VALUES.items()}


@pytest.mark.parametrize("name", VALUES)
@given(data=st.data())
def test_values_of_every_column_type(name, data):
    kind = ARROW_TYPES[name]
    values = data.draw(LISTS[name])
    found = from_list(values, kind)
    found.validate(full=True)
    assert found.type == kind
    plain = kind.value_type if pa.types.is_dictionary(kind) else kind
    assert found.to_pylist() == pa.array(values, plain).to_pylist()


@pytest.mark.parametrize(
    ("values", "kind"),
    [(["1"], pa.int64()), ([1], pa.string()), ([1], pa.bool_()), ([[1]], pa.string())],
)
def test_what_is_no_value_of_the_type_is_refused(values, kind):
    with pytest.raises((pa.ArrowInvalid, pa.ArrowTypeError, TypeError)):
        from_list(values, kind)


@given(st.lists(st.tuples(st.floats(allow_nan=False), st.booleans())), st.integers(0, 3))
def test_numbers_and_back(pairs, skipped):
    numbers = np.array([number for number, _ in pairs], float)
    valid = np.array([there for _, there in pairs], bool)
    found = from_numpy(numbers, valid)[skipped:]
    assert found.to_pylist() == [n if there else None for n, there in pairs][skipped:]
    assert is_valid(found).tolist() == valid.tolist()[skipped:]
    assert to_filled(found, -1.5).tolist() == [n if there else -1.5 for n, there in pairs][skipped:]


def test_memory_of_tables_is_the_systems_until_the_last_thread_leaves(monkeypatch):
    monkeypatch.delenv("ARROW_DEFAULT_MEMORY_POOL", raising=False)
    before = pa.default_memory_pool().backend_name
    memory = SystemMemory()
    with memory:
        with pytest.raises(ValueError, match="a table"), memory:
            raise ValueError("a table that cannot be made")
        inside = pa.default_memory_pool().backend_name
        assert inside == ("system" if before == "mimalloc" else before)
    assert pa.default_memory_pool().backend_name == before


def test_memory_that_the_user_chose_stays(monkeypatch):
    before = pa.default_memory_pool().backend_name
    monkeypatch.setenv("ARROW_DEFAULT_MEMORY_POOL", before)
    with SystemMemory():
        assert pa.default_memory_pool().backend_name == before


@pytest.mark.skipif(sys.platform != "linux", reason="pieces of memory are listed as Linux does it")
def test_columns_of_nulls_are_no_pieces_of_memory_of_their_own():
    """A process has room for 65,530 pieces: with one a column, some hundred long logs were all that it could keep."""
    maps = Path("/proc/self/maps")
    before = len(maps.read_text().splitlines())
    kept = [no_values(1 << 14, pa.float64()) for _ in range(2_000)]
    assert len(maps.read_text().splitlines()) - before < 1_000
    assert kept[-1].null_count == 1 << 14
