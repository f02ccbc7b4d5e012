"""Predicting: images in, masks or pictures out, in the images' own geometry."""

from piggygan.prediction.findings import Finding
from piggygan.prediction.measure_films import MeasureOptions, measure
from piggygan.prediction.measurements import Measured, Measurements
from piggygan.prediction.options import Fit, Kind, Patient, PredictionOptions
from piggygan.prediction.predicting import predict
from piggygan.prediction.summary import PredictedFile, PredictionRun, PredictionSummary, RefusedFile
from piggygan.prediction.translator import translate_pictures

__all__ = [
    "Finding",
    "Fit",
    "Kind",
    "MeasureOptions",
    "Measured",
    "Measurements",
    "Patient",
    "PredictedFile",
    "PredictionOptions",
    "PredictionRun",
    "PredictionSummary",
    "RefusedFile",
    "measure",
    "predict",
    "translate_pictures",
]
