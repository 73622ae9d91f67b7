"""Baseline: how much does a crop overlap each base crop of a grid?"""
