-- Which kernels win on each architecture for 3x3 convolutions?
-- How often, and their mean time; it is over layers of all sizes, so that it does not say which kernel is the faster one.
-- A convolution's weights are its second input; a layer of the engine carries the names of the nodes fused into it.
with convolutions as (
    select log, run, node
    from onnx_nodes
    where op = 'Conv' and len(inputs[2].shape) = 4 and inputs[2].shape[3] = 3 and inputs[2].shape[4] = 3
),
winners as (
    select distinct log, run, layer, coalesce(kernel, runner) as kernel, time_ms
    from tactics
    where chosen and kind = 'layer'
)
select c.compute_capability, w.kernel, count(*) as layers, count(distinct w.log) as logs, round(avg(w.time_ms), 6) as mean_ms
from winners w
join convolutions n on w.log = n.log and w.run = n.run and list_contains(string_split(w.layer, ' + '), n.node)
join catalogue c on w.log = c.log and w.run = c.run
group by all
order by c.compute_capability, layers desc, mean_ms
