"""Makes up the events of a province, seeded, with the incidents that they cause; `scenarios.py` lists them.

A scenario is pure: the same seed and start give the same bytes. `runner.py` is the shell that sends them to the raw
topics. Everything here is marked as simulated by the option of its sources (deploy/demo).
"""
