"""The folders that each command of a network takes, told apart before torch is imported and anything is written.

Both the command line, which imports torch for seconds, and the functions of ``orienteer.api`` ask here. Each raises
what ``orienteer.folders.in_order`` does.
"""

from pathlib import Path

from orienteer.folders import Argument, Folder, existing, in_order, scans_in, to_make

Given = Path | str


def of_pretrain(store: Given, run: Given) -> None:
    """A store, and a run to make or to go on with."""
    in_order("orienteer pretrain {} {}", existing(store, Folder.STORE), to_make(run, Folder.RUN))


def of_evaluate(run: Given, store: Given) -> None:
    """A run and a store."""
    in_order("orienteer evaluate {} {}", existing(run, Folder.RUN), existing(store, Folder.STORE))


def of_probe(run: Given, store: Given) -> None:
    """A run and a store."""
    in_order("orienteer probe {} {}", existing(run, Folder.RUN), existing(store, Folder.STORE))


def of_export(run: Given, out: Given) -> None:
    """A run, and a folder of an exported encoder to make."""
    in_order("orienteer export {} {}", existing(run, Folder.RUN), to_make(out, Folder.EXPORT))


def of_import(weights: Given, run: Given) -> None:
    """Weights of another program, or an exported encoder, and a run to make."""
    taken = Argument(Path(weights), "weights of another program", (Folder.EXPORT,), own=True)
    in_order("orienteer import {} {}", taken, to_make(run, Folder.RUN))


def of_locate(run: Given, exemplar: Given, scans: Given, out: Given) -> None:
    """A run, one scan, scans, and a folder of locations to make."""
    one = Argument(Path(exemplar), "a scan", own=True)
    in_order(
        "orienteer locate {} {} {} {}",
        existing(run, Folder.RUN),
        one,
        scans_in(scans),
        to_make(out, Folder.LOCATIONS),
    )


def of_propagate(run: Given, exemplar: Given, labels: Given, scans: Given, out: Given) -> None:
    """A run, one scan, its labels, scans, and a folder of propagated labels to make."""
    in_order(
        "orienteer propagate {} {} {} {} {}",
        existing(run, Folder.RUN),
        Argument(Path(exemplar), "a scan", own=True),
        Argument(Path(labels), "its labels", own=True),
        scans_in(scans),
        to_make(out, Folder.PROPAGATED),
    )


def of_orient(
    run: Given, scans: Given, out: Given | None = None, fix: Given | None = None, sides: Given | None = None
) -> None:
    """A run, scans, and, where given, folders of orientations and of corrected copies to make, and a second run."""
    made = [] if out is None else [(" --out {}", to_make(out, Folder.ORIENTATIONS))]
    if fix is not None:
        made.append((" --fix {}", Argument(Path(fix), "a folder for corrected copies", own=True, new=True)))
    if sides is not None:
        made.append((" --sides {}", existing(sides, Folder.RUN)))
    options = "".join(option for option, _ in made)
    in_order(
        f"orienteer orient {{}} {{}}{options}",
        existing(run, Folder.RUN),
        scans_in(scans),
        *(argument for _, argument in made),
    )


def of_finetune(kind: str, store: Given, out: Given, source: Given | None) -> None:
    """A store, a fine-tuning to make or to go on with, and the run it starts from; None from scratch."""
    taken = () if source is None else (existing(source, Folder.RUN),)
    command = f"orienteer finetune {kind} {{}} {{}} --from {'{}' if taken else 'scratch'}"
    in_order(command, existing(store, Folder.STORE), to_make(out, Folder.FINETUNING), *taken)


def of_predict(network: Given, scans: Given, out: Given) -> None:
    """A fine-tuning, scans, and a folder of predictions to make or to go on with."""
    network_folder = existing(network, Folder.FINETUNING, Folder.SEED)
    in_order("orienteer predict {} {} {}", network_folder, scans_in(scans), to_make(out, Folder.PREDICTIONS))
