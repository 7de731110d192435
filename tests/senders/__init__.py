"""Real senders: stock libraries, each in an environment of its own.

A sender is a folder with a script and the exact versions that it needs. Their names
are the registries' own; `environments` makes what they need, once.
"""
