"""Keeps secrets out of logs."""

import logging
import re

_SECRETS = re.compile(r"(rlt_)[\w-]+|(/join/)[^/\s]+|([?&]s=)[\w-]+|(/enter#)\S+")


def mask(text: str) -> str:
    """`text` without tokens, invitation codes and signatures."""
    return _SECRETS.sub(lambda found: "".join(group or "" for group in found.groups()) + "…", text)


class NoSecrets(logging.Filter):
    """Masks secrets in every line."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep the line, masked."""
        record.msg, record.args = mask(record.getMessage()), ()
        return True
