"""The command line and the running of an installation."""
