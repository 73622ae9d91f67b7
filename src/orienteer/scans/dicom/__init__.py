"""DICOM: from files to slices or frames in space, and from those to one volume on a regular grid."""
