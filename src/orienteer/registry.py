"""Classes known by name: shipped, registered in code, or announced by an installed package."""

from collections.abc import Iterator, Mapping
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Generic, TypeVar, cast

from orienteer.errors import OrienteerError

T = TypeVar("T")


class Registry(Mapping[str, type[T]], Generic[T]):
    """An ordered mapping of names to classes; a class is imported when it is first looked up.

    Listing names imports nothing. Shipped classes come first, then those of installed packages, then those registered
    in code.

    Args:
        base: import path (``module:Class``) of the class that all of them extend.
        group: entry-point group in which an installed package announces its classes.
        shipped: import path by name.

    Examples:
        >>> from orienteer.scans.formats.registry import FORMATS
        >>> list(FORMATS)[:2]
        ['NIfTI', 'NRRD']
        >>> FORMATS["NRRD"].extensions
        ('.nrrd', '.nhdr')
    """

    def __init__(self, base: str, group: str, shipped: Mapping[str, str]) -> None:
        self.group = group
        self._base = base
        self._shipped = dict(shipped)
        self._installed: dict[str, EntryPoint] | None = None
        self._classes: dict[str, type[T]] = {}

    def register(self, added: type[T]) -> type[T]:
        """Add a class under its own ``name``; usable as a decorator.

        A class registered in code exists in this process only. Worker processes find it when it is announced by an
        entry point, or when the module that registers it is imported by the main script.

        Raises:
            OrienteerError: another class has the name, or the class does not extend the base.
        """
        name = str(getattr(added, "name", ""))
        if name in self and self._classes.get(name) is not added:
            raise OrienteerError(f"there is already a {name!r} in {self.group}", cure="give the class another name")
        self._classes[name] = self._checked(name, added, f"{added.__module__}:{added.__qualname__}")
        return added

    def unregister(self, name: str) -> None:
        """Remove a class registered in code; for tests."""
        self._classes.pop(name, None)

    def __getitem__(self, name: str) -> type[T]:
        if name not in self._classes:
            origin = self._origin(name)
            try:
                found = _imported(origin) if isinstance(origin, str) else origin.load()
            except Exception as error:  # anything can happen while a foreign module is imported
                raise self._broken(name, origin, f"cannot be imported: {error}") from error
            self._classes[name] = self._checked(name, found, origin)
        return self._classes[name]

    def __iter__(self) -> Iterator[str]:
        yield from dict.fromkeys((*self._shipped, *self._entry_points(), *self._classes))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __contains__(self, name: object) -> bool:
        return any(name == known for known in self)

    def _entry_points(self) -> dict[str, EntryPoint]:
        if self._installed is None:
            found: dict[str, EntryPoint] = {}
            for point in entry_points(group=self.group):
                if point.name in self._shipped or found.get(point.name, point).value != point.value:
                    raise self._broken(point.name, point, "has a name that is taken")
                found[point.name] = point
            self._installed = found
        return self._installed

    def _origin(self, name: str) -> str | EntryPoint:
        if name in self._shipped:
            return self._shipped[name]
        return self._entry_points()[name]

    def _checked(self, name: str, found: object, origin: str | EntryPoint) -> type[T]:
        base = _imported(self._base)
        if not (isinstance(found, type) and isinstance(base, type) and issubclass(found, base)):
            raise self._broken(name, origin, f"does not extend {self._base}")
        if unwritten := sorted(getattr(found, "__abstractmethods__", ())):
            raise self._broken(name, origin, f"lacks {', '.join(unwritten)}")
        if getattr(found, "name", None) != name or not name:
            raise self._broken(name, origin, f"is called {getattr(found, 'name', None)!r} by its class")
        return cast(type[T], found)

    def _broken(self, name: str, origin: str | EntryPoint, why: str) -> OrienteerError:
        if isinstance(origin, str):
            return OrienteerError(f"{name!r} of {self.group} ({origin}) {why}", cure="correct the class")
        package = origin.dist.name if origin.dist else origin.value
        return OrienteerError(
            f"{name!r} of {self.group}, installed with {package}, {why}", cure=f"update or uninstall {package}"
        )


def _imported(path: str) -> object:
    module, _, name = path.partition(":")
    return getattr(import_module(module), name)
