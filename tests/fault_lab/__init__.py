"""Faults on purpose: kills, full disks, flipped bits, damaged and made-up scans, mutated files of every kind.

Each of ``kills``, ``schedulers``, ``disk``, ``workers``, ``integrity``, ``corpus`` and ``fuzz`` is a command,
``python -m tests.fault_lab.NAME``; docs/reference/faults.md says what each shows. Short versions: ``tests/faults``.
"""
