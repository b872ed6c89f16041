-- How does the latency of each model change from version to version of TensorRT?
with summaries as (
    select
        regexp_extract(model, '[^/\\]+$') as model_file,
        gpu,
        precision,
        tensorrt_version,
        count(*) as runs,
        min(latency_mean_ms) as best_ms,
        median(latency_mean_ms) as median_ms,
        max(throughput_qps) as best_qps
    from catalogue
    where status = 'passed' and latency_mean_ms is not null
    group by all
)
select * from summaries
order by model_file, gpu, precision, try_cast(string_split(tensorrt_version, '.') as int[])
