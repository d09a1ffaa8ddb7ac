"""Extraction and scoring on Ray Data: on the cores of this machine, or on the cluster that `RAY_ADDRESS` names."""
