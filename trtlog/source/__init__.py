"""Where a log comes from: files, streams, compression, encodings, whole lines."""
