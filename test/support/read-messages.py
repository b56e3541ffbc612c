"""Reads messages with Python's email package, which shares nothing with our own code: one base64 message per input line, one JSON object per output line."""
import base64, hashlib, json, sys
from email import policy
from email.header import decode_header, make_header
from email.parser import BytesParser
from email.utils import getaddresses

def words(text):
    return str(make_header(decode_header(text)))

def people(message, name):
    # As written: some versions leave a space between two encoded words of a name when they read the field themselves.
    raw = [value for key, value in message.raw_items() if key.lower() == name.lower()]
    fields = [value.encode('utf8', 'surrogateescape').decode('utf8').replace('\r\n', '').replace('\n', '') for value in raw]
    return [[words(display), address] for display, address in getaddresses(fields)]

def read(raw):
    message = BytesParser(policy=policy.SMTPUTF8).parsebytes(raw)
    plain = BytesParser(policy=policy.compat32).parsebytes(raw)
    bodies = {}
    attachments = []
    for part in message.walk():
        if part.is_multipart():
            continue
        content = part.get_payload(decode=True)
        if part.get_content_disposition() == 'attachment':
            attachments.append([part.get_filename(), part.get_content_type(), hashlib.sha256(content).hexdigest()])
        else:
            bodies[part.get_content_type()] = content.decode(part.get_content_charset() or 'ascii')
    return {
        'names': [name for name in message.keys()],
        'from': people(plain, 'From'), 'to': people(plain, 'To'), 'cc': people(plain, 'Cc'),
        'reply_to': people(plain, 'Reply-To'), 'bcc': message['Bcc'],
        'subject': message['Subject'], 'date': message['Date'], 'message_id': message['Message-ID'],
        'in_reply_to': message['In-Reply-To'], 'references': message['References'],
        'bodies': bodies, 'attachments': attachments,
        'defects': [str(defect) for part in message.walk() for defect in part.defects],
    }

for line in sys.stdin:
    print(json.dumps(read(base64.b64decode(line))), flush=True)
