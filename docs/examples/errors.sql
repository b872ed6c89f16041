-- Which errors are the most frequent, over how many logs, on which versions? Numbers and names in quotes are left out.
select
    kind,
    regexp_replace(regexp_replace(text, '''[^'']*''|"[^"]*"', '..', 'g'), '[0-9]+', 'N', 'g').substr(1, 100) as message,
    count(*) as messages,
    count(distinct log) as logs,
    list(distinct tensorrt_version order by tensorrt_version) as versions
from messages
where severity in ('error', 'fatal')
group by all
order by logs desc, messages desc, message
limit 20
