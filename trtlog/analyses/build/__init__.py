"""What a build did: fusions, memory, time, and what bounds the performance."""
