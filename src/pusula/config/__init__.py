"""Settings, addresses and the ASGI door: how the parts are put together into one installation."""
