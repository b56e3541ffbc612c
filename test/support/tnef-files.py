"""Parses the files of tnef-files.ts with tnefparse 1.4.0 (PyPI), which shares no code with ours.

    node_modules/.bin/node test/support/write-tnef-files.ts DIRECTORY
    python3 test/support/tnef-files.py DIRECTORY > test/support/tnef-files.json
"""
import hashlib
import json
import logging
import os
import sys

from tnefparse import TNEF

logging.disable(logging.CRITICAL)


def text(value):
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    return value.rstrip("\0") if value else None


def name_of(attachment):
    try:
        return text(attachment.long_filename())
    except UnicodeDecodeError:  # It takes every short name for UTF-8.
        return None


def read(data):
    tnef = TNEF(data)
    return {
        "sha256": hashlib.sha256(data).hexdigest(),
        "files": [
            {
                "name": name_of(each),
                "sha256": hashlib.sha256(each.data).hexdigest(),
                "is_message": hasattr(each, "embed"),
            }
            for each in tnef.attachments
        ],
        "html": text(tnef.htmlbody),
        "text": text(tnef.body),
        "rtf": text(tnef.rtfbody),
    }


names = json.load(open(os.path.join(sys.argv[1], "names.json"), encoding="utf-8"))
found = {name: read(open(os.path.join(sys.argv[1], f"{at}.tnef"), "rb").read()) for at, name in enumerate(names)}
print(json.dumps(found, indent=2, ensure_ascii=False))
