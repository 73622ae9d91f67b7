"""The example task of docs/how-to/add-a-pretext-task.md, as a module that lies outside the package.

The page holds its only copy. As a string: ``tests.pretext.outside_task:DistanceTask``.
"""

from typing import Any

from orienteer.pretext.contract import PretextTask
from tests.pages import Page

FILE, TEST = "distance_task.py", "test_distance_task.py"
PAGE = Page("add-a-pretext-task.md")

DistanceTask: type[PretextTask[Any]]
exec(compile(PAGE.files[FILE], FILE, "exec"))
