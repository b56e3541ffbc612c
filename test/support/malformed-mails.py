"""Parses malformed-mails.ts with Python's email package, whose output is malformed-mails.json.

    node_modules/.bin/node test/support/write-malformed-mails.ts DIRECTORY
    python3 test/support/malformed-mails.py DIRECTORY > test/support/malformed-mails.json
"""
import email
import email.policy
import hashlib
import json
import pathlib
import sys


def attempt(work):
    try:
        return work()
    except Exception as error:
        return {"error": type(error).__name__}


def people(message):
    field = message["from"]
    return [[one.display_name or None, one.addr_spec] for one in field.addresses] if field else []


def text(message):
    part = message.get_body(("plain",))
    return None if part is None else part.get_content()


def leaves(message):
    for part in message.iter_parts() if message.is_multipart() else []:
        if part.get_content_maintype() == "multipart":
            yield from leaves(part)
        else:
            yield part


def read(raw):
    message = email.message_from_bytes(raw, policy=email.policy.default)
    return {
        "sha256": hashlib.sha256(raw).hexdigest(),
        "subject": attempt(lambda: None if message["subject"] is None else str(message["subject"])),
        "from": attempt(lambda: people(message)),
        "names": attempt(lambda: [part.get_filename() for part in leaves(message) if part.get_filename() is not None]),
        "text": attempt(lambda: text(message)),
    }


files = sorted(pathlib.Path(sys.argv[1]).glob("*.eml"))
print(json.dumps({file.stem: read(file.read_bytes()) for file in files}, ensure_ascii=True, indent=2))
