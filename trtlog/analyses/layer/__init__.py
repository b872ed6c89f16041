"""Engine layers: names, tactics, precision, conversions, lineage, noise, one layer's story."""
