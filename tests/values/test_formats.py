from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import each
from trtlog.errors import InputError
from trtlog.values.formats import (
    DTYPES,
    TENSOR_FORMATS,
    TensorFormat,
    decode_format,
    layout_of_strides,
    layouts,
    split_combination,
    split_formats,
)

# text as printed                         dtype   layout         nvinfer1     strides                vector
GOLDEN = """
Float(150528,50176,224,1)               | FP32 | linear       | kLINEAR  | 150528 50176 224 1   | 1
Float(150528,1,672,3)                   | FP32 | NHWC         | kHWC     | 150528 1 672 3       | 1
Float(802816,1:4,3584,16)               | FP32 | NHWC4        | -        | 802816 1 3584 16     | 4 on 1
Half(24200,1:8,440,8)                   | FP16 | NHWC8        | kHWC8    | 24200 1 440 8        | 8 on 1
Half(16384,1:16,256,4)                  | FP16 | NHWC16       | kHWC16   | 16384 1 256 4        | 16 on 1
Half(100352,196:2,14,1)                 | FP16 | NC/2HW2      | kCHW2    | 100352 196 14 1      | 2 on 1
Int8(50176,3136:4,56,1)                 | INT8 | NC/4HW4      | kCHW4    | 50176 3136 56 1      | 4 on 1
Int8(6272,3136:32,56,1)                 | INT8 | NC/32HW32    | kCHW32   | 6272 3136 56 1       | 32 on 1
Half(32,1:32,1,1)                       | FP16 | NC/32HW32    | kCHW32   | 32 1 1 1             | 32 on 1
Float(4096:32,64,1)                     | FP32 | NC/32HW32    | kCHW32   | 4096 64 1            | 32 on 0
Half(1:8,16384,128,1)                   | FP16 | NDHWC8       | kDHWC8   | 1 16384 128 1        | 8 on 0
Int8(1568:32,49,7,1)                    | INT8 | NC/32DHW32   | kCDHW32  | 1568 49 7 1          | 32 on 0
Half(512,1:4,1,1)                       | FP16 | -            | -        | 512 1 1 1            | 4 on 1
Half(8192,1:4,256,16) long-strided      | FP16 | NHWC4        | -        | 8192 1 256 16        | 4 on 1
Float(256,1,256,256)                    | FP32 | NHWC         | kHWC     | 256 1 256 256        | 1
Int64(1)                                | INT64| linear       | kLINEAR  | 1                    | 1
FP8(16,1)                               | FP8  | linear       | kLINEAR  | 16 1                 | 1
BFloat16(64,1)                          | BF16 | linear       | kLINEAR  | 64 1                 | 1
Float()                                 | FP32 | linear       | kLINEAR  |                      | 1
Float(1,7,5)                            | FP32 | -            | -        | 1 7 5                | 1
Bool                                    | BOOL | -            | -        | none                 | -
Row major linear FP32                   | FP32 | linear       | kLINEAR  | none                 | 1
Row major Int8 format                   | INT8 | linear       | kLINEAR  | none                 | 1
Channel major FP32 format               | FP32 | NHWC         | kHWC     | none                 | 1
(NHWC) Channel major format             | -    | NHWC         | kHWC     | none                 | 1
(Linear) Row major linear format        | -    | linear       | kLINEAR  | none                 | 1
Channel major FP16 format where channel % 8 == 0 | FP16 | NHWC8 | kHWC8  | none                 | 8
Two wide channel vectorized row major FP16 format | FP16 | NC/2HW2 | kCHW2 | none              | 2
Thirty-two wide channel vectorized row major Int8 format with 3 spatial dimensions \
                                        | INT8 | NC/32DHW32   | kCDHW32  | none                 | 32
Channel major FP16 format where channel == 4 and column stride % 32 == 0 \
                                        | FP16 | DLA HWC4     | kDLA_HWC4| none                 | 4
(Transposed) Transposed format          | -    | -            | -        | none                 | -
Row major linear INT64 format (kLINEAR) | INT64| linear       | kLINEAR  | none                 | 1
Channel major FP16 format where channel % 8 == 0 with 3 spatial dimensions \
                                        | FP16 | NDHWC8       | kDHWC8   | none                 | 8
Row major linear E8M0 format            | E8M0 | linear       | kLINEAR  | none                 | 1
Row major FP16 format where column stride % 64 == 0 | FP16 | DLA linear | kDLA_LINEAR | none | 1
"""


@pytest.mark.parametrize("line", GOLDEN.strip().splitlines())
def test_a_format_reads_as_printed(line):
    text, dtype, layout, name, strides, vector = (cell.strip() for cell in line.split("|"))
    found = decode_format(text, strict=True)
    assert (found.dtype or "-", found.layout or "-", found.tensor_format or "-") == (dtype, layout, name)
    assert ("none" if found.strides is None else " ".join(map(str, found.strides))) == strides
    size = "-" if found.vector_size is None else str(found.vector_size)
    assert size + (f" on {found.vector_dim}" if found.vector_dim is not None else "") == vector
    assert found.long_strided == text.endswith("long-strided")


def test_symbolic_strides_get_their_definitions():
    text = "Float((* 32 E0),E0,(# 2 (SHAPE my x)),1) where E0=(* (# 3 (SHAPE my x)) E1) E1=(# 2 (SHAPE my x))"
    found = decode_format(text)
    inner = "(# 2 (SHAPE my x))"
    product = f"(* (# 3 (SHAPE my x)) {inner})"
    assert found.strides == (f"(* 32 {product})", product, inner, 1)
    assert found.layout == "linear"


def test_symbolic_channels_last_is_told_from_linear():
    width = "(# 3 (SHAPE x))"
    assert decode_format(f"Half((* 64 {width}),1:8,(* 8 {width}),8)").layout == "NHWC8"
    assert decode_format(f"Half((* 64 {width}),(* 8 {width}):8,{width},1)").layout == "NC/8HW8"
    assert decode_format(f"Float({width},(* 8 {width}),1)").layout is None


def test_dimensions_in_brackets_are_not_strides():
    found = decode_format("Half[-1,32:8,7,7]")
    assert (found.dims, found.strides, found.vector_dim, found.vector_size) == ((-1, 32, 7, 7), None, 1, 8)
    assert found.layout == "NHWC8"
    # Four FP32 channels a vector: TensorRT has both NHWC4 and NC/4HW4, and dimensions do not tell which
    assert decode_format("Float[1,512:4,7,7]").layout is None
    # No vector: may be linear or NHWC
    assert decode_format("Float[1,512,7,7]").layout is None
    assert decode_format("Float(-2,64,7,7)", dims=True).dims == (-2, 64, 7, 7)


def test_lists_split_outside_parentheses_only():
    assert split_formats("Float(1,2),Half(3,1:8,4,8), Int8[1,2]") == [
        "Float(1,2)",
        "Half(3,1:8,4,8)",
        "Int8[1,2]",
    ]
    assert split_formats("") == []
    inputs, outputs = split_combination(
        "Float(E0,256,1), Float((# 1 (SHAPE a -> b, c)),1) -> Half(E1,1) where E0=(* 256 E1) E1=(# 1 (SHAPE t))"
    )
    assert inputs == [
        "Float(E0,256,1) where E0=(* 256 E1) E1=(# 1 (SHAPE t))",
        "Float((# 1 (SHAPE a -> b, c)),1)",
    ]
    assert outputs == ["Half(E1,1) where E1=(# 1 (SHAPE t))"]
    assert split_combination(" -> Float(1)") == ([], ["Float(1)"])
    assert layouts("Float(3136,1:4,56,1), Half(9,1) -> Half(1)") == "FP32 NHWC4, FP16 linear -> FP16 linear"


@pytest.mark.parametrize("text", ["", "what", "Half(", "Half(1,,2)", "Half(1))", "Half(1:2:3)", "(1,2)", "Half 3"])
def test_bad_text_is_null_and_strict_says_where(text):
    assert decode_format(text) is None
    with pytest.raises(InputError, match="not a tensor format"):
        decode_format(text, strict=True)


def test_hostile_definitions_do_not_grow_without_end():
    clause = " ".join(f"E{i}=(* E{i + 1} E{i + 1})" for i in range(60))
    found = decode_format(f"Float(E0,1) where {clause}")
    assert found is not None
    assert len(found.strides[0]) < 100_000


def test_nested_parentheses_need_no_recursion():
    assert decode_format("Float(" + "(" * 5000 + ")" * 5000 + ")").strides[0] == "(" * 5000 + ")" * 5000


# ---------------------------------------------------------------------------- a second way to the same answer
def strides_of(shape, order, vector_dim=None, size=1):
    """Strides of a packed tensor whose axes lie in memory in ``order``, outermost first."""
    counts = [-(-n // size) if i == vector_dim else n for i, n in enumerate(shape)]
    strides = [0] * len(shape)
    step = 1
    for axis in reversed(order):
        strides[axis] = step
        step *= counts[axis]
    return tuple(strides)


sizes = st.integers(2, 40)


@given(n=st.integers(1, 9), c=st.integers(2, 300), h=sizes, w=sizes, size=st.sampled_from([1, 2, 4, 8, 16, 32]))
def test_layouts_of_packed_tensors(n, c, h, w, size):
    shape = (n, c, h, w)
    vector = None if size == 1 else 1
    first = layout_of_strides(strides_of(shape, (0, 1, 2, 3), vector, size), vector, size)
    last = layout_of_strides(strides_of(shape, (0, 2, 3, 1), vector, size), vector, size)
    assert first == ("linear" if size == 1 else f"NC/{size}HW{size}")
    assert last == ("NHWC" if size == 1 else f"NHWC{size}")
    assert layout_of_strides(strides_of(shape, (0, 3, 2, 1), vector, size), vector, size) is None


@given(
    st.sampled_from(sorted({"Float", "Half", "Int8", "BFloat16"})),
    st.lists(st.integers(0, 10**9), max_size=6),
)
def test_plain_strides_round_trip(dtype, strides):
    text = f"{dtype}({','.join(map(str, strides))})"
    found = decode_format(text)
    assert found.strides == tuple(strides)
    assert found.dtype == DTYPES[dtype.lower()]


@given(st.text(max_size=60) | st.text(alphabet="Float()[]:,0123456789E=# *where->", max_size=60))
def test_no_text_raises(text):
    assert isinstance(decode_format(text), (TensorFormat, type(None)))
    assert "".join(split_formats(text)) is not None
    split_combination(text)
    layouts(text)


def test_every_format_of_the_real_logs_decodes(real_logs):
    combination = re.compile(r"Autotuning (?:format combination|Reformat): ?(.*?) \*{5,}")
    reformat = re.compile(r"Adding reformat layer: .* from (.*) to (.*)")
    texts = set()
    for _, log in real_logs:
        texts.update(combination.findall(log))
        for pair in reformat.findall(log):
            texts.update(t.strip() for t in pair)
        texts.update(re.findall(r'"Format/Datatype": "([^"]*)"', log))
        texts.update(re.findall(r"Format(?:/Datatype)?: ([A-Z(][^]},\n]*?) ?\}", log))
    formats = {f for text in texts for side in split_combination(text) for f in side}
    assert len(formats) > 100
    undecoded = sorted(f for f in formats if decode_format(f) is None)
    assert undecoded == []
    vectors = [decode_format(f) for f in formats if ":" in f and "(" in f]
    unknown = [f.text for f in vectors if f.layout is None]
    print(f"{len(formats)} distinct formats, all decode; {len(unknown)} of {len(vectors)} vectorized: no layout")
    # The only ones without a layout have no spatial extent
    assert all(re.search(r":[0-9]+,1,1\)", text) for text in each(unknown))


def test_layout_names_have_known_counterparts():
    assert {decode_format(line.split("|")[0].strip()).tensor_format for line in GOLDEN.strip().splitlines()} >= set(
        TENSOR_FORMATS.values()
    ) - {"kCHW16", "kDHWC"}
