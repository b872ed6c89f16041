"""The figures that verdicts on noise rest on, from repeats: ``python -m tests.calibration`` prints them."""
