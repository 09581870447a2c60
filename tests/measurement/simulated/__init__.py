"""Tests of tests: thousands of made-up experiments whose truth is known."""
