"""Every finding there is: code, weight and cure. docs/reference/findings.md is tested against it."""

from dataclasses import dataclass
from typing import Literal

Level = Literal["info", "warning", "error"]

CONVERT = "convert the series to NIfTI with a converter that corrects this (dcm2niix), then look at the result"
EXPORT = "export or copy the file again from where it came"
FETCH = "fetch it (`datalad get`, `git annex get`, `git lfs pull`), or mend the link"
LOOK_AT_ANSWER = (
    "check that it shows the anatomy, sequence and unit of the training scans; do not trust what the network says of"
    " any other"
)
PERMISSIONS = "check its permissions: give yourself the right to read it"


@dataclass(frozen=True)
class Entry:
    """One line of the catalogue; ``meaning`` is for the reference page."""

    level: Level
    meaning: str
    cure: str


CATALOGUE: dict[str, Entry] = {
    # The file
    "empty-file": Entry("error", "the file holds no bytes", EXPORT),
    "unreadable": Entry("error", "the file cannot be opened or its header makes no sense", EXPORT),
    "not-fetched": Entry(
        "error", "a link to nothing, or a pointer of git-annex or git-lfs: the content is not on this disk", FETCH
    ),
    "not-a-scan": Entry(
        "error", "the name says scan, the content does not", "remove the file, or give it its true extension"
    ),
    "truncated": Entry("error", "the file ends before its voxels do", EXPORT),
    "damaged": Entry("error", "the compressed data or its checksum is wrong", EXPORT),
    "companion-missing": Entry(
        "error", "the header's data file is not beside it", "copy the data file (.img, .raw) next to the header"
    ),
    "companion-outside": Entry(
        "error",
        "the header names a data file outside its own folder",
        "do not open it before you know where it came from; put the data file next to the header",
    ),
    "inflates-too-far": Entry(
        "error",
        "the compressed data grows far beyond what a scan needs: a decompression bomb, or an all but empty scan",
        "do not open it before you know where it came from; save it without compression if it is true",
    ),
    "too-large": Entry(
        "error",
        "the header asks for more voxels than can be read, or a size in mm far beyond sense",
        "crop or downsample the scan if its size is true",
    ),
    "misnamed": Entry("info", "the extension says compressed and the file is not, or the reverse", "rename the file"),
    # What it holds
    "two-dimensional": Entry("error", "an axis has one voxel: an image, not a volume", "leave it out, or stack slices"),
    "four-dimensional": Entry(
        "warning",
        "several volumes in one file (time, diffusion, contrast): the first is used; labels are refused",
        "nothing to do if the first volume is the one you want; else save that one as a file of its own",
    ),
    "colour": Entry("error", "several values per voxel: RGB or vectors", "save one channel as a file of its own"),
    "complex": Entry("error", "complex numbers", "save the magnitude"),
    "trailing-axis": Entry("info", "a last axis of length 1 was dropped", "nothing to do"),
    "not-finite": Entry(
        "warning",
        "some voxels are NaN or infinite: few are replaced by the lowest finite value, many are an error",
        "fill them with the background's value before export",
    ),
    "scaling-damaged": Entry(
        "info",
        "the header's intercept is not a number, or its slope is infinite (MetaImage: 0): 0 and 1 are used",
        "correct the header's slope and intercept if absolute intensities matter",
    ),
    "scaling-applied": Entry(
        "warning",
        "MetaImage: ElementToIntensityFunctionSlope and Offset are applied; ITK and 3D Slicer show stored values",
        "look at the range of values; if the stored ones were right, delete the two lines from the header",
    ),
    "scaling-ignored": Entry(
        "warning",
        "NRRD: `old min` and `old max` name the range before the values were quantised: they are used as stored",
        "write the original values (`unu unquantize`) if absolute intensities matter",
    ),
    "constant": Entry("error", "every voxel has the same value", "leave it out, or export it again"),
    "air-as-body": Entry(
        "warning",
        "`ingest --intensities zscore` or `LOW,HIGH`: air is not far enough below the body to be told from it by its"
        " intensity, so `masked`, `genesis`, `position` and predictions of one answer per scan count it in",
        "for these ingest with `--intensities window`; what else is learned, features and segmentations need nothing",
    ),
    "outside-range": Entry(
        "error",
        "`ingest --intensities LOW,HIGH`: the body's intensities span less than a twentieth of that range",
        "give a range in the scans' own units, or ingest with `--intensities window` or `zscore`",
    ),
    "looks-like-labels": Entry(
        "warning",
        "whole numbers with very few values: perhaps a segmentation",
        "if these are labels, move them out of the scans' folder; `ingest` takes theirs with --labels",
    ),
    # Where it is
    "spacing-absurd": Entry(
        "error", "a voxel size is zero, not finite, or outside 0.01 to 50 mm", "correct the header's voxel size (mm)"
    ),
    "spacing-missing": Entry(
        "warning",
        "the header names no voxel size: 1 mm is assumed, or MetaImage's ElementSize is used",
        "write the voxel size (mm) into the header; until then no length in mm can be trusted",
    ),
    "unit-scaled": Entry(
        "info",
        "the header's unit of length is not mm: scaled to mm",
        "nothing to do, unless its numbers are mm and the unit is wrong: then correct the header's unit",
    ),
    "unit-unknown": Entry(
        "warning",
        "the header names an unknown unit of length; mm is assumed",
        "check whether the voxel size is in mm, then correct the header's unit",
    ),
    "spacing-disagrees": Entry(
        "warning", "the voxel size and the affine differ; the affine is used", "correct the header's voxel size"
    ),
    "affine-singular": Entry(
        "error", "the affine maps an axis to nothing or is not finite", "correct the header's orientation"
    ),
    "affine-sheared": Entry(
        "error", "the axes are not at right angles", "resample the scan to a grid with right angles"
    ),
    "orientation-missing": Entry(
        "warning",
        "the header names no orientation, so left and right may be swapped; an error in NRRD with a `space` and"
        " `spacings` and no `space directions`",
        "export with orientation, or check one scan by eye and set its header",
    ),
    "orientation-disagrees": Entry(
        "warning", "the header holds two orientations that differ; sform is used", "check by eye, then keep only one"
    ),
    "orientation-unusable": Entry(
        "warning",
        "one of the header's two orientations (sform, qform) is damaged (zeros, NaN, or a quaternion that is too long)"
        " and the other is used; an error where there is no other",
        "check one scan by eye, then write its header again with one good orientation",
    ),
    "orientation-code": Entry(
        "warning",
        "NIfTI: the code of sform or qform is none of 0 to 5; it is used, as by ITK and FSL, while nibabel takes it for"
        " not set; an info where the other one is used",
        "check one scan by eye, then write its header again with a code that NIfTI has (1: scanner)",
    ),
    "origin-missing": Entry(
        "warning",
        "the header names no origin: the first voxel is placed at 0, 0, 0",
        "export with an origin; until then the scan does not line up with labels and sequences that have one",
    ),
    "anisotropic": Entry(
        "warning",
        "slices are more than four times as thick as the finest axis",
        "ingest with a --spacing near the coarse axis",
    ),
    "too-small": Entry("warning", "an axis is shorter than a view", "use smaller views, or a finer --spacing"),
    "answer-leans": Entry(
        "warning",
        "`predict`: the scan's axes are a little off the right angle, which ITK does not read in NIfTI; for ITK the"
        " answer lies along the nearest right angles, for other readers exactly on the scan",
        "resample the scan to a grid with right angles where fractions of a voxel matter",
    ),
    # Beside what a network was trained on
    "unfamiliar-spacing": Entry(
        "warning",
        "`predict`, `evaluate`: its voxels are of another size than in all training scans",
        LOOK_AT_ANSWER,
    ),
    "unfamiliar-extent": Entry(
        "warning",
        "`predict`, `evaluate`: the body is larger, smaller, or cut off otherwise than in all training scans",
        LOOK_AT_ANSWER,
    ),
    "unfamiliar-intensities": Entry(
        "warning",
        "`predict`, `evaluate`: intensities lie or are spread otherwise than in all training scans",
        LOOK_AT_ANSWER,
    ),
    "unfamiliar-features": Entry(
        "warning",
        "`predict`, `evaluate`: the network's own features of it lie far from those of the training scans",
        LOOK_AT_ANSWER,
    ),
    # Beside what a network knows of anatomy
    "orientation-contradicted": Entry(
        "warning",
        "`check --run`: by its anatomy the scan is turned, or left and right are exchanged, against its header",
        "look at `orienteer orient RUN SCANS --out OUT`; where it is right, `--fix` writes corrected copies",
    ),
    "spacing-contradicted": Entry(
        "warning",
        "`check --run`: by its anatomy a voxel size is wrong by more than persons differ",
        "compare the voxel size with the protocol; a person may be unlike all that the run knows",
    ),
    "orientation-untold": Entry(
        "info",
        "`check --run`: the run cannot tell how the scan is held: too little of a body, or several turns fit alike",
        "check one scan by eye",
    ),
    "anatomy-unknown": Entry(
        "warning",
        "`check --run`: in no pose does the scan show the anatomy that the run learned from",
        LOOK_AT_ANSWER,
    ),
    # Several channels
    "channel-missing": Entry(
        "error",
        "a channel that its layout names, or that you asked for, is not there",
        "add the file, or name in --channels only those that all scans have",
    ),
    "channel-ambiguous": Entry(
        "error",
        "several files could be one channel",
        "move all but one of them elsewhere, or leave out --channels to take each as a scan",
    ),
    "channels-differ": Entry(
        "error",
        "the channels of one scan do not lie in one place, or are not as many as are named",
        "resample them onto one grid, or leave out the odd one with --channels, or take each file as a scan with"
        " --layout plain",
    ),
    "channels-resampled": Entry(
        "info",
        "a channel was resampled onto the first one's grid by its place in the world; it was not registered",
        "register the sequences first if the subject may have moved between them",
    ),
    "channels-mixed": Entry(
        "error",
        "other channels than most scans, or than the store",
        "ingest such scans into a store of their own, or name in --channels what all have",
    ),
    # Among others
    "duplicate-id": Entry("error", "another scan already has this id", "rename one of the two files"),
    "identical-content": Entry(
        "error",
        "the same voxels as another scan: the first of them is kept (a warning where both are, as of one subject)",
        "remove one, or give both one subject in the table so that no split parts them",
    ),
    # Labels, which never cost the scan
    "labels-unreadable": Entry(
        "warning", "the labels cannot be read; the scan is stored without", "mend the label file as its message says"
    ),
    "labels-not-whole": Entry(
        "warning",
        "the labels are not whole numbers from 0 to 32767; the scan is stored without",
        "export them as integers, 0 where no structure is",
    ),
    "labels-rounded": Entry(
        "info",
        "the labels are whole numbers to within 0.001, as a slope in the header leaves them; they are rounded",
        "nothing to do",
    ),
    "labels-not-finite": Entry(
        "warning",
        "some voxels of the labels are NaN: they take no part in loss and scores; many are an error",
        "write 0 where they are background",
    ),
    "labels-undeclared": Entry(
        "warning",
        "the labels hold values that dataset.json does not name; each is learned as a structure of its own",
        "name them in dataset.json, or the ones to learn in `structures` for `finetune`",
    ),
    "labels-255": Entry(
        "warning",
        "the labels hold 255 beside other values: often it marks what nobody has looked at; here it is a structure",
        "if it is to be ignored, set `ignore: [255]` for `finetune`, or name it 'ignore' in dataset.json",
    ),
    "labels-layered": Entry(
        "warning",
        "the labels have several values per voxel: segments in layers, or a mask a volume; the scan is stored without",
        "save them as one label map, a number a structure (3D Slicer: Export visible segments to label map)",
    ),
    "labels-cropped": Entry(
        "info",
        "the labels are a part of the scan's space, as 3D Slicer crops them; the rest of the scan is background; a"
        " warning where their voxels have another size",
        "nothing to do if nothing is labelled beyond them",
    ),
    "labels-elsewhere": Entry(
        "warning",
        "the labels cover less than 90 % of the scan's space and are no part of it; the scan is stored without",
        "export them on the scan's own grid",
    ),
    "labels-shifted": Entry(
        "warning",
        "the labels have as many voxels as the scan, of its size, and their header puts them half a voxel or more off;"
        " the header is followed",
        "look at one scan with its labels: if they are askew, give the label file the scan's header",
    ),
    "labels-orientation": Entry(
        "warning",
        "only one of the scan and its labels names an orientation (or neither, in two formats); with voxels of the same"
        " number and size they are taken to lie voxel on voxel",
        "look at one scan with its labels, then export both with the same orientation",
    ),
    "labels-header": Entry(
        "warning",
        "the header of the labels is in doubt: orientation, origin, voxel size, unit, slope or offset; told as for"
        " a scan (an info where it only scales)",
        "correct the header of the label file, as the message says",
    ),
    "labels-like-scan": Entry(
        "warning",
        "the labels hold many values that change from voxel to voxel, as intensities do",
        "if they are scans, name the folder of label maps with --labels instead; else nothing to do",
    ),
    # Workers
    "reader-crashed": Entry(
        "error",
        "the library that reads this format crashed on the file",
        EXPORT,
    ),
    "worker-died": Entry(
        "error", "the process that read it was killed, most likely for want of memory", "use fewer --workers"
    ),
    "out-of-memory": Entry("error", "reading it needs more memory than the machine has free", "use fewer --workers"),
    # Skipped
    "skipped-format": Entry("info", "not a scan's format", "nothing to do if it is no scan; else convert it to NIfTI"),
    "skipped-label": Entry("info", "labels of the scan beside it", "name their folder with --labels to use them"),
    "skipped-label-folder": Entry("info", "a folder of labels", "name it with --labels to use them"),
    "skipped-layout": Entry(
        "info", "outside the folders that the dataset keeps its images in", "add --layout plain to take every file"
    ),
    "skipped-bids-folder": Entry(
        "info", "BIDS: derivatives, sourcedata or code, not a subject's raw data", "name that folder itself to use it"
    ),
    "skipped-bids-type": Entry(
        "info", "BIDS: time series, diffusion, perfusion or maps, not anatomy", "add --layout plain to take every file"
    ),
    "skipped-channel": Entry("info", "not one of the channels asked for", "name it in --channels to use it"),
    "skipped-store": Entry("info", "an Orienteer store", "nothing to do"),
    "skipped-run": Entry("info", "a run, a fine-tuning or a benchmark of Orienteer", "nothing to do"),
    "skipped-prediction": Entry("info", "a label map that `orienteer predict` made", "nothing to do"),
    "skipped-dicom": Entry("info", "DICOM without a scan", "nothing to do"),
    "skipped-screenshot": Entry(
        "info", "a DICOM screenshot (secondary capture) without a place in the body", "nothing to do"
    ),
    "skipped-not-fetched": Entry("warning", "a link to nothing, or a pointer in place of the content", FETCH),
    "skipped-no-file": Entry("info", "a pipe or device, not a file", "nothing to do"),
    "skipped-empty-folder": Entry("warning", "an empty folder named like a scan", "copy the scan again"),
    "skipped-file-closed": Entry("warning", "cannot be opened", "give yourself the right to read it"),
    "skipped-folder-closed": Entry("warning", "cannot be listed", "give yourself the right to read it"),
    # DICOM
    "dicom-volumes": Entry(
        "info", "one of several volumes of its series (echoes, time, b-values, orientations)", "nothing to do"
    ),
    "dicom-copied-slices": Entry("info", "a slice is there twice; the copy is not read", "nothing to do"),
    "dicom-gantry-tilt": Entry(
        "warning",
        "the CT's gantry was tilted: the sheared slices are resampled to right angles; beyond 45 degrees an error",
        "look at the scan once",
    ),
    "dicom-uneven-gaps": Entry(
        "warning",
        "the distance between slices changes: resampled to an even one; gaps that are too wide are an error",
        "look at the scan once; where it is left out, export it again with all its slices",
    ),
    "dicom-missing-slices": Entry(
        "warning",
        "slices are missing inside the series: few are filled in from their neighbours, many are an error",
        EXPORT,
    ),
    "dicom-repeated-slices": Entry(
        "error", "several slices at one position that no tag tells apart", "put one volume in each folder"
    ),
    "dicom-mixed": Entry(
        "error",
        "slices of one series differ in modality, size, spacing, direction, unit or rescaling, or do not lie in one"
        " line (of several convolution kernels or frames of reference: a warning)",
        "put one volume in each folder",
    ),
    "dicom-series-apart": Entry(
        "error",
        "slices that look like one series have a series UID each",
        "give them one SeriesInstanceUID, or export the series again",
    ),
    "dicom-scattered": Entry(
        "error",
        "a part of a series: another folder (or another study in this one) has more slices of it",
        "put all files of the series in one folder, under one StudyInstanceUID; or move the smaller part away",
    ),
    "dicom-turned-over": Entry(
        "info",
        "MR whose lowest value is shown white (MONOCHROME1): inverted, so that air is dark",
        "nothing to do",
    ),
    "dicom-monochrome1": Entry(
        "warning",
        "the lowest value is shown white (MONOCHROME1) and the modality is not MR, or the header contradicts itself"
        " (MONOCHROME2, and PresentationLUTShape INVERSE): values are used as they are",
        "look at the scan once; if air is bright, export it again the right way round",
    ),
    "dicom-phase": Entry(
        "warning",
        "MR whose ImageType says phase, not magnitude: values are angles or velocities, used as they are",
        "move its files out of the scans' folder, unless phase is what you want to learn from",
    ),
    "dicom-no-rescale": Entry(
        "warning",
        "CT whose header does not say how stored values become Hounsfield units, or names another unit: they are used"
        " as they are",
        "look at the scan once; export it again with RescaleSlope and RescaleIntercept, in HU",
    ),
    "dicom-scaling": Entry(
        "error",
        "how stored values become intensities is in doubt: a table (Modality LUT) that is damaged or stands beside a"
        " slope, only Real World Value Mappings that differ between slices, or a HighBit that does not fit BitsStored"
        " (bits above BitsStored are no part of a value and are not read)",
        "export the series again with one RescaleSlope and RescaleIntercept for each slice",
    ),
    "dicom-padding": Entry(
        "info",
        "voxels outside the field of view (PixelPaddingValue) are read as background",
        "nothing to do",
    ),
    "dicom-decimal-comma": Entry(
        "warning",
        "numbers in the header have a decimal comma, which is read as a decimal point",
        "look at the scan once",
    ),
    "dicom-single-slice": Entry("error", "one slice alone", "leave it out, or add the rest of the series"),
    "dicom-localiser": Entry("error", "a localiser (scout), not a scan", "leave it out"),
    "dicom-no-position": Entry("error", "slices without position, direction or pixel spacing", CONVERT),
    "dicom-multi-frame": Entry("error", "several frames in one DICOM file, without the place of each", CONVERT),
    "dicom-mosaic": Entry("error", "images that each hold all slices side by side (mosaic)", CONVERT),
    "dicom-compression": Entry(
        "error",
        "the voxels are compressed in a way that cannot be read",
        "export without compression, or with RLE, JPEG, JPEG-LS or JPEG 2000",
    ),
}
