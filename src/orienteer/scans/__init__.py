"""Find and read NIfTI, NRRD, MetaImage and DICOM scans in one mixed folder. Nothing here imports torch."""
