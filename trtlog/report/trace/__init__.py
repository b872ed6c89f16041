"""A log as a timeline: trace events that Perfetto and Chrome show."""
