"""Data sets with what is known about them, and their split into parts."""

from geolatent.data.binary_tree import binary_tree
from geolatent.data.blood_cells import BLOOD_LINEAGE, blood_cells
from geolatent.data.branching_diffusion import branching_diffusion
from geolatent.data.checked_data import checked_data
from geolatent.data.coded_labels import coded_labels
from geolatent.data.confounded_site import confounded_site
from geolatent.data.data_set import DataSet
from geolatent.data.data_split import DataSplit, split, split_by_indices
from geolatent.data.digits import digits
from geolatent.data.flip_bits import flip_bits, require_bits
from geolatent.data.grouping import Grouping
from geolatent.data.label_tree import LabelTree
from geolatent.data.load_file import load_file
from geolatent.data.missing_extra import MissingExtra
from geolatent.data.mnist import mnist
from geolatent.data.osteosarcoma import osteosarcoma
from geolatent.data.scaling import Scaling
from geolatent.data.simulated_counts import simulated_counts

__all__ = [
    "BLOOD_LINEAGE",
    "DataSet",
    "DataSplit",
    "Grouping",
    "LabelTree",
    "MissingExtra",
    "Scaling",
    "binary_tree",
    "blood_cells",
    "branching_diffusion",
    "checked_data",
    "coded_labels",
    "confounded_site",
    "digits",
    "flip_bits",
    "load_file",
    "mnist",
    "osteosarcoma",
    "require_bits",
    "simulated_counts",
    "split",
    "split_by_indices",
]
