"""``python -m orienteer`` is the ``orienteer`` command."""

from orienteer.cli import main

if __name__ == "__main__":
    main()
