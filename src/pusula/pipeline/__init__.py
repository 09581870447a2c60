"""The passes over customers: touched ones after new data, all of them in a batch run."""
