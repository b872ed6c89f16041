"""trtlog: reads what TensorRT's trtexec prints, all of it, and answers what performance engineers ask."""
