"""The kernel that runs the notebooks: ``python -m ipykernel_launcher``, but that pandas may have been loaded before."""

from __future__ import annotations

if __name__ == "__main__":
    import pandas
    from ipykernel.kernelapp import launch_new_instance

    pandas.set_option("display.max_columns", 20)  # as pandas has it where it is loaded in a notebook
    launch_new_instance()
