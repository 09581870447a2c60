"""OPERA Cloud: business events as hints, the reservation and its profiles as the truth."""
