"""Data sets with what is known about them, and their split into parts."""

from geolatent.data.checked_data import checked_data
from geolatent.data.data_set import DataSet
from geolatent.data.data_split import DataSplit, split, split_by_indices
from geolatent.data.digits import digits
from geolatent.data.load_file import load_file
from geolatent.data.scaling import Scaling

__all__ = [
    "DataSet",
    "DataSplit",
    "Scaling",
    "checked_data",
    "digits",
    "load_file",
    "split",
    "split_by_indices",
]
