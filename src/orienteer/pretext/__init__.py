"""Pretext tasks, one file each: its settings, head, loss, rows and card.

Examples:
    >>> from orienteer.pretext.registry import TASKS
    >>> list(TASKS)[:4]
    ['gap', 'adjacency', 'route', 'position']
"""
