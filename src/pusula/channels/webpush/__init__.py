"""Web push: a message encrypted for one browser, handed to the push service of its maker."""
