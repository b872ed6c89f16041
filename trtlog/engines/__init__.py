"""The two engines: both read chunks of whole lines and fill the same captures."""
