"""The engine's graph as a drawing: SVG, Graphviz' DOT, and ONNX for Netron."""
