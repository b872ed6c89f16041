-- Which errors are the most frequent, over how many logs, on which versions? Numbers and names in quotes are left out.
-- Errors that only say which step failed follow from others: an error that comes first in its run ranks above them.
with errors as (
    select
        *,
        kind in ('step_failed', 'engine_failed', 'exception_uncaught', 'process_signalled') as follows,
        regexp_replace(regexp_replace(text, '''[^'']*''|"[^"]*"', '..', 'g'), '[0-9]+', 'N', 'g').substr(1, 100) as message
    from messages
    where severity in ('error', 'fatal')
),
placed as (
    select *, not follows and line = min(line) filter (not follows) over (partition by log, run) as comes_first
    from errors
)
select
    kind,
    message,
    count(*) as messages,
    count(distinct log) as logs,
    count(distinct log) filter (comes_first) as first_in_logs,
    list(distinct tensorrt_version order by tensorrt_version) as versions
from placed
group by all
order by first_in_logs desc, logs desc, messages desc, message
limit 20
