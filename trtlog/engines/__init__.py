"""The engine that reads chunks of whole lines and fills captures; its inner loop runs in C where that was built."""
