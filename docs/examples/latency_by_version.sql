-- How does the latency of each model change from version to version of TensorRT?
-- Only runs of one model at one shape and batch, with the same precision, on one GPU, can be compared.
with shapes as (
    select
        log,
        run,
        string_agg(value, ', ' order by line) filter (key like 'Input inference shape%') as shape,
        any_value(value) filter (key = 'Batch' and value <> 'Explicit') as batch,
        coalesce(any_value(value) filter (key = 'CUDA Graph'), 'Disabled') as cuda_graph
    from options
    where section = 'inference'
    group by all
),
summaries as (
    select
        regexp_extract(model, '[^/\\]+$') as model_file,
        shape,
        shapes.batch,
        gpu,
        precision,
        shapes.cuda_graph,
        tensorrt_version,
        count(*) as runs,
        min(latency_mean_ms) as best_ms,
        median(latency_mean_ms) as median_ms,
        max(throughput_qps) as best_qps
    from catalogue left join shapes using (log, run)
    where status = 'passed' and latency_mean_ms is not null
    group by all
)
select * from summaries
order by model_file, shape, batch, gpu, precision, cuda_graph, try_cast(string_split(tensorrt_version, '.') as int[])
