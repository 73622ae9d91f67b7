"""Everything a user may choose about an ingest, as one value."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from orienteer.cluster.open import LOCAL, require_cluster
from orienteer.errors import StoreError
from orienteer.scans.cohort import refuse_spacing
from orienteer.store.convention import WINDOW, Convention, convention_of
from orienteer.store.manifest import Names


@dataclass(frozen=True, kw_only=True)
class IngestOptions:
    """How to ingest; the defaults suit a folder of which nothing is known.

    Attributes:
        spacing: mm per voxel on every axis; by default the store's, or what is proposed for the scans.
        intensities: how they are scaled: ``window`` (the body's percentiles), ``zscore`` (over the body), or two fixed
            ends as numbers or ``"-175,250"``; by default the store's, and ``window`` for a new one.
        budget: seconds that a pretraining may take, for the proposed spacing.
        labels: folder whose files have the scans' paths or names.
        table: TSV or CSV with a column ``id``, where known ``person`` and ``split``; of the other columns
            numbers and categories are kept, but nothing that could tell who somebody is.
        columns: keep just these further columns of the table, which you declare safe.
        workers: processes; by default one a core.
        cluster: where to read scans instead: ``tcp://HOST:8786`` of a scheduler of Dask, ``slurm:8`` for eight jobs of
            Slurm, or ``local``, a cluster of ``workers`` processes.
        prune: take scans out of the store whose files are gone.
        min_extent: leave out scans shorter than this along an axis, mm.
        keep_names: call scans and subjects as the files and the table do, and keep every column. For public data
            only: by default they get pseudonyms, and the way back lies in the store's private file alone.
        verify: compare what is stored already with its checksums, and replace what is damaged.
        retry: also read again what an earlier run left out and is unchanged since.
        layout: how the folder is laid out; by default what it says of itself. Subjects, labels and scans kept for
            testing are taken from it unless ``labels`` or ``table`` say otherwise.
        channels: names of the sequences that make one scan together, in order.
        progress: draw a progress bar on stderr.

    Raises:
        StoreError: a value makes no sense, or ``columns`` are named without a table.
        ConfigError: intensities that are no convention, or a cluster that is none.

    Examples:
        >>> options = IngestOptions(spacing=1.5, table="people.tsv", columns=["age"])
        >>> options.names, options.layout
        ('pseudonyms', 'auto')
    """

    spacing: float | None = None
    intensities: str | tuple[float, float] | None = None
    budget: float | None = None
    labels: Path | str | None = None
    table: Path | str | None = None
    columns: Sequence[str] | None = None
    workers: int | None = None
    cluster: str | None = None
    prune: bool = False
    min_extent: float | None = None
    keep_names: bool = False
    verify: bool = True
    retry: bool = False
    layout: str = "auto"
    channels: Sequence[str] = ()
    progress: bool = True

    def __post_init__(self) -> None:
        if self.workers is not None and self.workers < 1:
            raise StoreError(f"{self.workers} workers", cure="give --workers 1 or more")
        if self.cluster is not None:
            require_cluster(self.cluster)
            if self.workers is not None and self.cluster != LOCAL:
                raise StoreError(f"--workers says nothing about {self.cluster}", cure="leave --workers out")
        if self.spacing is not None:
            refuse_spacing(self.spacing)
        self.convention  # noqa: B018  (refused before anything is read)
        if self.columns is not None and not self.table:
            raise StoreError("--columns names columns of a table", cure="give the table with --table")

    @property
    def convention(self) -> Convention:
        """How a new store chooses windows, and in which units networks see them."""
        return WINDOW if self.intensities is None else convention_of(self.intensities)

    @property
    def names(self) -> Names:
        """What the store calls scans and subjects."""
        return "kept" if self.keep_names else "pseudonyms"
