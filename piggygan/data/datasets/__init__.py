"""Public data sets in the folders in which their publishers ship them, and folders of one's own."""

from piggygan.data.datasets.covid_cxr import CovidXrays
from piggygan.data.datasets.description import Description
from piggygan.data.datasets.facades import Facades, FacadesBase
from piggygan.data.datasets.folder import DatasetFolder, Listing
from piggygan.data.datasets.jsrt import Jsrt
from piggygan.data.datasets.known import DATASETS, open_dataset
from piggygan.data.datasets.montgomery import Montgomery
from piggygan.data.datasets.own import ImagesWithMasks, Pictures, SideBySide, TwoFolders, UnpairedFolders
from piggygan.data.datasets.shenzhen import Shenzhen

__all__ = [
    "DATASETS",
    "CovidXrays",
    "DatasetFolder",
    "Description",
    "Facades",
    "FacadesBase",
    "ImagesWithMasks",
    "Jsrt",
    "Listing",
    "Montgomery",
    "Pictures",
    "Shenzhen",
    "SideBySide",
    "TwoFolders",
    "UnpairedFolders",
    "open_dataset",
]
