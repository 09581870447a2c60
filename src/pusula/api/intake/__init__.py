"""The tracking API: a raw ASGI application that appends what clients tell to the log.

It never reads bodies by their Content-Type, as real clients send JSON under any, and answers 200
only when what was told is on disk.
"""
