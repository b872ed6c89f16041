from __future__ import annotations

import re
from collections import Counter
from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trtlog.values.kernels import OPERATIONS, RULES, decode_kernel

GOLDEN = [
    (
        "sm80_xmma_fprop_implicit_gemm_f16f16_f16f32_f32_nhwckrsc_nhwc_tilesize128x64x32_stage4_warpsize2x2x1"
        "_g1_tensor16x8x16_simple_t1r1s1",
        "sm80 ampere fprop in=FP16 out=FP16 acc=FP32 math=FP16 nhwc>nhwc 128x64x32 4 stages 4 warps 16x8x16 TC",
    ),
    (
        "sm90_xmma_fprop_implicit_gemm_f32f32_tf32f32_f32_nhwckrsc_nhwc_tilesize64x96x32_cgasize2x1x1"
        "_warpgroupsize1x1x1_g1_beta0",
        "sm90 hopper fprop in=FP32 out=FP32 acc=FP32 math=TF32 nhwc>nhwc 64x96x32 - stages 4 warps - TC",
    ),
    (
        "sm80_xmma_fprop_implicit_gemm_interleaved_i8f32_i8i32_f32_nchw_vect_c_32kcrs_vect_c_32_nchw"
        "_tilesize96x64x64_stage3_warpsize2x2x1_g1_tensor16x8x32",
        "sm80 ampere fprop in=INT8 out=FP32 acc=INT32 math=INT8 nchw_vect_c_32>nchw 96x64x64 3 stages 4 warps"
        " 16x8x32 TC",
    ),
    (
        "sm80_xmma_gemm_f32f32_f32f32_f32_tn_n_tilesize64x32x8_stage3_warpsize1x2x1_ffma_aligna4_alignc4",
        "sm80 ampere gemm in=FP32 out=FP32 acc=FP32 math=FP32 tn>- 64x32x8 3 stages 2 warps - no TC",
    ),
    (
        "sm89_xmma_gemm_e4m3bf16_e4m3f32_f32_tn_n_tilesize64x64x64_stage4_warpsize2x2x1_tensor16x8x32",
        "sm89 ada gemm in=FP8 out=BF16 acc=FP32 math=FP8 tn>- 64x64x64 4 stages 4 warps 16x8x32 TC",
    ),
    (
        "sm90_xmma_fprop_image_first_layer_f16f16_f32_f16_nhwckrsc_nhwc_hmma_k64c4r7s7_stride2x2_tile16x64x64"
        "_tensor1688",
        "sm90 hopper fprop in=FP16 out=FP16 acc=FP32 math=FP16 nhwc>nhwc 16x64x64 - stages - warps 16x8x8 TC",
    ),
    (
        "ampere_h16816gemm_128x64_sliced1x2_ldg8_relu_stages_64x4_nn_v1",
        "ampere ampere gemm in=FP16 out=FP16 acc=FP16 math=FP16 nn>- 128x64x64 4 stages - warps 16x8x16 TC",
    ),
    (
        "ampere_fp16_s16816gemm_fp16_64x128_ldg8_f2f_stages_32x6_nn_v1",
        "ampere ampere gemm in=FP16 out=FP16 acc=FP32 math=FP16 nn>- 64x128x32 6 stages - warps 16x8x16 TC",
    ),
    (
        "ampere_fp32_icudnn_int8x4_128x32_relu_medium_nn_v1",
        "ampere ampere fprop in=INT8 out=FP32 acc=INT32 math=INT8 nn>- 128x32 - stages - warps - no TC",
    ),
    (
        "turing_fp16_i8816cudnn_int8_256x128_ldg16_relu_medium_nt_v1",
        "turing turing fprop in=INT8 out=FP16 acc=INT32 math=INT8 nt>- 256x128 - stages - warps 8x8x16 TC",
    ),
    (
        "ampere_s1688gemm_128x64_ldg4_relu_stages_32x3_tn_v1",
        "ampere ampere gemm in=FP32 out=FP32 acc=FP32 math=TF32 tn>- 128x64x32 3 stages - warps 16x8x8 TC",
    ),
    (
        "volta_s884cudnn_fp16_256x64_ldg8_relu_exp_small_nhwc_tn_v1",
        "volta volta fprop in=FP16 out=FP32 acc=FP32 math=FP16 nhwc>- 256x64 - stages - warps 8x8x4 TC",
    ),
    (
        "volta_scudnn_128x32_sliced1x4_ldg4_relu_exp_medium_nhwc_tn_v1",
        "volta volta fprop in=FP32 out=FP32 acc=FP32 math=FP32 nhwc>- 128x32 - stages - warps - no TC",
    ),
    (
        "sm50_xmma_pooling_tiled_FP16NCxHW2_kMAX_tP14_tQ14_tR3_tS3_tU2_tV2_tUnroll5_tThreads841",
        "sm50 maxwell pooling in=FP16 out=FP16 acc=- math=- NCxHW2>- - - stages - warps - no TC",
    ),
    (
        "conv2d_grouped_direct_f16f16f32_nchw_nchw",
        "- - grouped in=FP16 out=FP16 acc=FP32 math=- nchw>nchw - - stages - warps - unknown",
    ),
    (
        "__myl_MulMaxrSubExp_0x00112233445566778899aabbccddeeff",
        "- - kgen in=- out=- acc=- math=- ->- - - stages - warps - unknown",
    ),
    (
        "_gemm_mha_v2_0x00112233445566778899aabbccddeeff",
        "- - mha in=- out=- acc=- math=- ->- - - stages - warps - unknown",
    ),
    (
        "sm50_xmma_fprop_conv2d_c1_k1_f32f32_f32_f32_nchwkcrs_nchw_tilesize10x40x8_threadsize4x4_r3s3_u1v1_xcorr",
        "sm50 maxwell depthwise in=FP32 out=FP32 acc=FP32 math=- nchw>nchw 10x40x8 - stages - warps - no TC",
    ),
    (
        "sm80_xmma_conv_fprop_smallk_i8f16_i32_f32_nchw_vect_c_32kcrs_vect_c_32_nchw_vect_c_32_warptilesize16x32_stage4",
        "sm80 ampere fprop in=INT8 out=FP16 acc=INT32 math=- nchw_vect_c_32>nchw_vect_c_32 16x32 4 stages - warps - "
        "unknown",
    ),
    (
        "cutlass3x_sm120_bstensorop_s16864gemm_block_scaled_ue4m3xe2m1_ue4m3xe2m1_f32_bf16_bf16_128x128x256_1x1x1_0_tnn"
        "_align32_o_vs16_bias_bf16_relu",
        "sm120 blackwell gemm in=FP4 out=BF16 acc=FP32 math=FP4 tn>- 128x128x256 - stages - warps 16x8x64 TC",
    ),
    (
        "cutlass3x_sm100_bstensorop_gemm_ue8m0xe4m3_ue8m0xe4m3_f32_void_ue8m0xe4m3_128x128x256_0_tnt_align16_q_1sm",
        "sm100 blackwell gemm in=FP8 out=FP8 acc=FP32 math=- tn>- 128x128x256 - stages - warps - TC",
    ),
    (
        "cutlass3x_sm90_tensorop_s64x128x16gemm_f16_f16_f32_f16_f16_128x128x64_2x1x1_0_tnn_align8_warpspecialized",
        "sm90 hopper gemm in=FP16 out=FP16 acc=FP32 math=- tn>- 128x128x64 - stages - warps 64x128x16 TC",
    ),
    ("nvjet_sm100_hsh_128x256_64x4", "sm100 blackwell gemm in=- out=- acc=- math=- ->- - - stages - warps - unknown"),
    ("__myelin_CASK_STUB", "- - - in=- out=- acc=- math=- ->- - - stages - warps - unknown"),
]


def one_line(name):
    k = decode_kernel(name)
    cells = {key: "-" if value is None else value for key, value in asdict(k).items()}
    tile = "x".join(map(str, k.tile)) if k.tile else "-"
    cores = {True: "TC", False: "no TC", None: "unknown"}[k.tensor_cores]
    return (
        "{architecture} {generation} {operation} in={input_type} out={output_type} acc={accumulator_type}"
        " math={math_type} {layout}>{output_layout} " + tile + " {stages} stages {warps} warps {instruction} " + cores
    ).format(**cells)


@pytest.mark.parametrize(("name", "told"), GOLDEN)
def test_a_name_tells(name, told):
    assert one_line(name) == told


def test_block_scales():
    fp4 = decode_kernel("cutlass3x_sm120_bstensorop_s16864gemm_block_scaled_ue4m3xe2m1_ue4m3xe2m1_f32_f16_f16_o_vs16")
    assert (fp4.scale_type, fp4.scale_block) == ("ue4m3", 16)
    assert "block-scaled by ue4m3 for 16 elements each" in fp4.describe()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.pattern.pattern[:40])
def test_every_rule_matches_its_example(rule):
    assert rule.pattern.search(rule.example)
    if rule in OPERATIONS:
        assert decode_kernel(rule.example).operation == rule.operation


@given(st.text(max_size=60) | st.lists(st.sampled_from([r.example for r in RULES])).map("_".join))
def test_no_name_raises(name):
    assert decode_kernel(name).name == name


KERNEL = re.compile(r"(?:Set Tactic Name: |[\] ]Tactic Name: |TacticName\"?: \"?)([^\s,\"}]+)")


def test_most_kernels_of_the_real_logs_decode(real_logs):
    names = {name for _, log in real_logs for name in KERNEL.findall(log)}
    assert len(names) > 200
    decoded = [decode_kernel(name) for name in names]
    known = [k for k in decoded if k.known]
    print(f"{len(known)} of {len(decoded)} distinct names tell architecture, operation and types")
    assert len(known) >= 0.9 * len(decoded)
    # What is left are families whose names do not hold these facts
    rest = {k.name for k in decoded if not k.known}
    families = re.compile(r"__my|conv2d_grouped_direct|kIMMA|\w+_conv_act_pool|\w+_pooling_(?:CHWPacked|coalescedC)")
    assert [name for name in rest if not families.match(name)] == []
    assert {k.name for k in decoded if k.tensor_cores and k.generation in ("maxwell", "pascal")} == set()


def test_types_agree_with_the_formats_the_kernel_was_timed_under(real_logs):
    """The log itself says which formats a kernel was tried with: a check that does not rest on the names."""
    types = {"Float": "FP32", "Half": "FP16", "Int8": "INT8"}
    formats = re.compile(r"Autotuning format combination: ?(.*?) \*{5}")
    agreed: Counter[bool] = Counter()
    for _, log in real_logs:
        combination = None
        for line in log.split("\n"):
            if found := formats.search(line):
                combination = found[1]
            elif "Computing" in line or "Adding reformat layer" in line or "Setting workspace" in line:
                combination = None  # what follows is another layer, or the chosen tactics once more
            elif combination and (found := KERNEL.search(line)):
                kernel = decode_kernel(found[1])
                inputs, _, outputs = combination.partition(" -> ")
                first, last = re.match(r"\w+", inputs), re.match(r"\w+", outputs)
                if kernel.input_type and kernel.output_type and first and last:
                    told = (kernel.input_type, kernel.output_type)
                    agreed[(types.get(first[0]), types.get(last[0])) == told] += 1
    print(f"kernel timings whose formats agree with the kernel's name: {agreed[True]}, not: {agreed[False]}")
    # excerpts that lack the line of the combination leave a few of another layer
    assert agreed[True] > 1000
    assert agreed[False] < 0.005 * agreed[True]
