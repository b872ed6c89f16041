"""What has nothing to do with logs: Arrow columns, the collector, words, secrets."""
