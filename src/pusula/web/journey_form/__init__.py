"""The editor of journeys: a journey as the fields of one form, and the form as a journey."""
