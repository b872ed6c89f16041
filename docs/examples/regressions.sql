-- Which builds are slower by more than 3% than the one before, with the same command on the same GPU?
-- Paths of files that a command writes are left out of the comparison.
with runs_in_order as (
    select
        source,
        gpu,
        tensorrt_version,
        started_at,
        gpu_compute_mean_ms as now_ms,
        regexp_replace(command, '--(save|load|export|timingCache)[A-Za-z]*=\S+', '', 'g') as same_command,
        lag(gpu_compute_mean_ms) over one as before_ms,
        lag(tensorrt_version) over one as before_version,
        lag(source) over one as before_source
    from catalogue
    where gpu_compute_mean_ms is not null and command is not null
    window one as (
        partition by gpu, regexp_replace(command, '--(save|load|export|timingCache)[A-Za-z]*=\S+', '', 'g')
        order by started_at, source
    )
)
select
    source, before_source, gpu, before_version, tensorrt_version, before_ms, now_ms,
    round(100 * (now_ms / before_ms - 1), 1) as slower_percent
from runs_in_order
where now_ms > 1.03 * before_ms
order by slower_percent desc
