"""A pilot: three scenarios measured for fourteen days, all of one file, and their report."""
