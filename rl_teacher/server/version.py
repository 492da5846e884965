"""Which version this server is."""

from importlib.metadata import PackageNotFoundError, version

try:
    VERSION = version("rl-teacher")
except PackageNotFoundError:
    VERSION = "0.0.0"
