"""The experiment file: composed of the settings that each part declares beside itself.

A wrong file is refused before any data is read, with every problem at once.
"""

from assay.experiment.experiment import Experiment
from assay.experiment.reading import LoadedExperiment, experiment_from, load_experiment

__all__ = ["Experiment", "LoadedExperiment", "experiment_from", "load_experiment"]
