"""Measures the engine on this machine: drain, latency, writes, depth, memory; beside peers where they are given."""

from __future__ import annotations
