"""Absurd headers: sizes, types, voxel sizes, affines and names of other files, format by format."""

import gzip
from collections.abc import Iterator
from pathlib import Path

import nibabel
import numpy as np

from tests.fault_lab.damage import Change, append, packed_zeros, zlib_zeros

NAN, INF = float("nan"), float("inf")
BIG = 1 << 31

NIFTI: dict[str, dict[str, object]] = {
    "axis of -5": {"dim": [3, 24, -5, 16, 1, 1, 1, 1]},
    "axis of 0": {"dim": [3, 24, 0, 16, 1, 1, 1, 1]},
    "three axes of 32767": {"dim": [3, 32767, 32767, 32767, 1, 1, 1, 1]},
    "seven axes of 32767": {"dim": [7] + [32767] * 7},
    "axes of 1200": {"dim": [3, 1200, 1200, 1200, 1, 1, 1, 1]},
    "no axes": {"dim": [0] * 8},
    "nine axes": {"dim": [9, 24, 20, 16, 1, 1, 1, 1]},
    "minus one axes": {"dim": [-1, 24, 20, 16, 1, 1, 1, 1]},
    "one axis more": {"dim": [3, 24, 20, 17, 1, 1, 1, 1]},
    "type 0": {"datatype": 0},
    "type 1 (bits)": {"datatype": 1, "bitpix": 1},
    "type 9999": {"datatype": 9999},
    "type float64": {"datatype": 64, "bitpix": 64},
    "type float128": {"datatype": 1536, "bitpix": 128},
    "type complex256": {"datatype": 2048, "bitpix": 256},
    "type RGB": {"datatype": 128, "bitpix": 24},
    "bits contradict the type": {"bitpix": 7},
    "voxels before the file": {"vox_offset": -352},
    "voxels at 0": {"vox_offset": 0},
    "voxels at 3e9": {"vox_offset": 3e9},
    "voxel sizes NaN": {"pixdim": [1, NAN, NAN, NAN, 0, 0, 0, 0]},
    "voxel sizes infinite": {"pixdim": [1, INF, INF, INF, 0, 0, 0, 0]},
    "voxel sizes zero": {"pixdim": [0] * 8},
    "voxel sizes negative": {"pixdim": [-1, -2, -2, -2, 0, 0, 0, 0]},
    "voxel sizes 1e30, no sform": {"pixdim": [1, 1e30, 1e30, 1e30, 0, 0, 0, 0], "sform_code": 0},
    "voxel sizes NaN, no sform": {"pixdim": [1, NAN, NAN, NAN, 0, 0, 0, 0], "sform_code": 0},
    "voxels of 49 mm": {"srow_x": [49, 0, 0, 0], "srow_y": [0, 49, 0, 0], "srow_z": [0, 0, 49, 0]},
    "slope NaN": {"scl_slope": NAN},
    "slope infinite": {"scl_slope": INF},
    "slope 1e38": {"scl_slope": 1e38, "scl_inter": 1e38},
    "intercept NaN": {"scl_slope": 1, "scl_inter": NAN},
    "intercept infinite": {"scl_slope": 1, "scl_inter": INF},
    "affine zero": {"srow_x": [0] * 4, "srow_y": [0] * 4, "srow_z": [0] * 4},
    "affine NaN": {"srow_x": [NAN] * 4},
    "affine 1e30": {"srow_x": [1e30, 0, 0, 0]},
    "affine far away": {"srow_x": [1.5, 0, 0, 1e30]},
    "affine with one axis twice": {"srow_x": [2, 2, 0, 0], "srow_y": [0, 0, 2, 0], "srow_z": [0, 0, 0, 0]},
    "quaternion NaN, no sform": {"quatern_b": NAN, "sform_code": 0},
    "quaternion of 9, no sform": {"quatern_b": 9.0, "sform_code": 0},
    "no orientation": {"sform_code": 0, "qform_code": 0},
    "codes of -7": {"sform_code": -7, "qform_code": -7},
    "units of 255": {"xyzt_units": 255},
    "magic wrong": {"magic": b"xyz"},
    "header size of 349": {"sizeof_hdr": 349},
    "header size of -1": {"sizeof_hdr": -1},
}


def nifti_field(values: dict[str, object]) -> Change:
    """Write header fields in the file's own byte order, behind every check of the library."""

    def change(path: Path, _: np.random.Generator) -> None:
        raw = path.read_bytes()
        packed = raw[:2] == b"\x1f\x8b"
        data = bytearray(gzip.decompress(raw) if packed else raw)
        size = {int.from_bytes(data[:4], order): order for order in ("little", "big")}
        second = 540 in size
        order = size[540 if second else 348]
        kind = (nibabel.Nifti2Header if second else nibabel.Nifti1Header).template_dtype
        header = np.ndarray((), kind.newbyteorder("<" if order == "little" else ">"), buffer=data)
        for name, value in values.items():
            header[name] = value
        path.write_bytes(gzip.compress(bytes(data)) if packed else data)

    return change


def nifti_extension(path: Path, _: np.random.Generator) -> None:
    """An extension said to be 2 GiB long."""
    raw = path.read_bytes()
    packed = raw[:2] == b"\x1f\x8b"
    data = bytearray(gzip.decompress(raw) if packed else raw)
    end = 540 if 540 in (int.from_bytes(data[:4], order) for order in ("little", "big")) else 348
    data[end : end + 12] = b"\x01\x00\x00\x00" + (2**31 - 16).to_bytes(4, "little") + b"\x06\x00\x00\x00"
    path.write_bytes(gzip.compress(bytes(data)) if packed else data)


def nifti_bombs() -> Iterator[tuple[str, Change]]:
    """Small compressed files that grow to gigabytes."""
    yield "2 GiB behind the voxels", append(lambda: packed_zeros(32))
    yield "30 GiB behind the voxels", append(lambda: packed_zeros(480))
    yield "768 MiB of voxels in 0.8 MB", _bomb({"dim": [3, 1024, 1024, 384, 1, 1, 1, 1]}, 13)
    yield "voxels 3 GiB into the stream", _bomb({"vox_offset": 3 * 2**30}, 50)


def _bomb(values: dict[str, object], blocks: int) -> Change:
    def change(path: Path, random: np.random.Generator) -> None:
        nifti_field(values)(path, random)
        append(lambda: packed_zeros(blocks))(path, random)

    return change


NRRD: dict[str, dict[bytes, bytes]] = {
    **{f"sizes {sizes.decode()}": {b"sizes": sizes} for sizes in (
        b"24 -5 16", b"24 0 16", b"2147483648 2 2", b"65535 65535 65535", b"99999999999999999999 1 1", b"24 20",
        b"24 20 16 9", b"1200 1200 1200", b"24 20 17", b"x y z", b"",
    )},
    **{f"dimension {n.decode()}": {b"dimension": n} for n in (b"0", b"-1", b"17", b"2147483647", b"4", b"2")},
    **{f"type {name.decode()}": {b"type": name} for name in (b"block", b"double", b"int64", b"quaternion", b"")},
    **{f"encoding {name.decode()}": {b"encoding": name} for name in (
        b"gzip", b"raw", b"ascii", b"hex", b"bzip2", b"?",
    )},
    "endian missing": {b"endian": b"middle"},
    "space unknown": {b"space": b"left-up-there"},
    "directions zero": {b"space directions": b"(0,0,0) (0,0,0) (0,0,0)"},
    "directions NaN": {b"space directions": b"(nan,0,0) (0,nan,0) (0,0,nan)"},
    "directions none": {b"space directions": b"none none none"},
    "directions twice the same": {b"space directions": b"(1,0,0) (1,0,0) (0,0,1)"},
    "directions of 1e300": {b"space directions": b"(1e300,0,0) (0,1e300,0) (0,0,1e300)"},
    "origin infinite": {b"space origin": b"(inf,-inf,nan)"},
    "vectors in kinds": {b"kinds": b"vector domain domain"},
    "other folder's file": {b"data file": b"../../../../../../../../etc/passwd"},
    "absolute file": {b"data file": b"/etc/passwd"},
    "endless device": {b"data file": b"/dev/zero"},
    "list of files": {b"data file": b"LIST\n/etc/passwd\n/etc/group"},
    "pattern of a billion files": {b"data file": b"x%03d.raw 1 1000000000 1 2"},
    "pattern of another folder": {b"data file": b"../x%03d.raw 1 16 1 2"},
    "pattern with %s": {b"data file": b"%s%s%s%n.raw 1 16 1 2"},
    "itself as data": {b"data file": b"scan.nhdr"},
    "skips 2^31 lines": {b"line skip": b"2147483648"},
    "skips -5 bytes": {b"byte skip": b"-5"},
    "skips 2^40 bytes": {b"byte skip": b"1099511627776"},
    "a comment of 3 MB": {b"content": b"a" * 3_000_000},
}  # fmt: skip

META: dict[str, dict[bytes, bytes]] = {
    **{f"NDims {n.decode()}": {b"NDims": n} for n in (b"0", b"-1", b"100", b"2147483647", b"2", b"4", b"11")},
    **{f"DimSize {sizes.decode()}": {b"DimSize": sizes} for sizes in (
        b"24 -5 16", b"24 0 16", b"2147483648 2 2", b"65535 65535 65535", b"99999999999999999999 1 1", b"24 20",
        b"1200 1200 1200", b"24 20 17", b"x y z", b"",
    )},
    **{f"type {name.decode()}": {b"ElementType": name} for name in (
        b"MET_NONE", b"MET_DOUBLE", b"MET_STRING", b"MET_OTHER", b"MET_INT_ARRAY", b"",
    )},
    **{f"channels {n.decode()}": {b"ElementNumberOfChannels": n} for n in (b"0", b"-1", b"3", b"1000000000")},
    "spacing zero": {b"ElementSpacing": b"0 0 0"},
    "spacing NaN": {b"ElementSpacing": b"nan nan nan"},
    "spacing negative": {b"ElementSpacing": b"-1 -1 -1"},
    "spacing of 1e300": {b"ElementSpacing": b"1e300 1e300 1e300"},
    "spacing missing an axis": {b"ElementSpacing": b"1 1"},
    "direction zero": {b"TransformMatrix": b"0 0 0 0 0 0 0 0 0"},
    "direction NaN": {b"TransformMatrix": b"nan 0 0 0 nan 0 0 0 nan"},
    "direction too short": {b"TransformMatrix": b"1 0 0 0"},
    "origin infinite": {b"Offset": b"inf nan -inf"},
    "other folder's file": {b"ElementDataFile": b"../../../../../../../../etc/passwd"},
    "absolute file": {b"ElementDataFile": b"/etc/passwd"},
    "endless device": {b"ElementDataFile": b"/dev/zero"},
    "list of files": {b"ElementDataFile": b"LIST\n/etc/passwd\n/etc/group"},
    "list of files, 2D": {b"ElementDataFile": b"LIST 2\n" + b"/etc/passwd\n" * 16},
    "pattern of another folder": {b"ElementDataFile": b"../x%03d.raw 1 16 1"},
    "pattern with %s": {b"ElementDataFile": b"%s%s%s%n.raw 1 16 1"},
    "itself as data": {b"ElementDataFile": b"scan.mhd"},
    "compressed, not said": {b"CompressedData": b"False"},
    "said compressed": {b"CompressedData": b"True"},
    "compressed size a lie": {b"CompressedDataSize": b"99999999999"},
    "compressed size negative": {b"CompressedDataSize": b"-7"},
    "header size of 2^31": {b"HeaderSize": b"2147483648"},
    "header size of -5": {b"HeaderSize": b"-5"},
    "text voxels": {b"BinaryData": b"False"},
}  # fmt: skip


def text_field(values: dict[bytes, bytes], mark: bytes) -> Change:
    """Replace or add ``key mark value`` lines of a text header, leaving the bytes after it alone."""

    def change(path: Path, _: np.random.Generator) -> None:
        data = path.read_bytes()
        lines, end = _header_lines(data, mark)
        for key, value in values.items():
            at = next((i for i, line in enumerate(lines) if line.split(mark)[0].strip() == key), None)
            text = key + mark + value + b"\n"
            if at is None:
                # Before the last line, because ElementDataFile must stay the last.
                lines.insert(len(lines) - 1, text)
            else:
                lines[at] = text
        path.write_bytes(b"".join(lines) + data[end:])

    return change


def text_bomb(mark: bytes, sizes: dict[bytes, bytes], blocks: int) -> Change:
    """A header that asks for ``sizes`` (or what it had), before a stream of ``blocks`` times 64 MiB."""

    def change(path: Path, random: np.random.Generator) -> None:
        text_field(sizes, mark)(path, random)
        data = path.read_bytes()
        _, end = _header_lines(data, mark)
        body = packed_zeros(blocks) if mark == b": " else zlib_zeros(blocks, bytes(20000))
        path.write_bytes(data[:end] + body)

    return change


def _header_lines(data: bytes, mark: bytes) -> tuple[list[bytes], int]:
    lines, end = [], 0
    for line in data.split(b"\n"):
        end += len(line) + 1
        lines.append(line + b"\n")
        if (mark == b": " and not line.strip()) or line.startswith(b"ElementDataFile"):
            break
    return lines, min(end, len(data))
