"""What a build must keep: the lock and the check."""
