"""Reads messages with Python's email package, which shares nothing with our own code: one base64 message a line in, one JSON object a line out."""
import base64, hashlib, json, sys
from email import policy
from email.parser import BytesParser
from email.utils import getaddresses

def people(message, name):
    return [[display, address] for display, address in getaddresses([str(value) for value in message.get_all(name, [])])]

def read(raw):
    message = BytesParser(policy=policy.SMTPUTF8).parsebytes(raw)
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
        'from': people(message, 'From'), 'to': people(message, 'To'), 'cc': people(message, 'Cc'),
        'reply_to': people(message, 'Reply-To'), 'bcc': message['Bcc'],
        'subject': message['Subject'], 'date': message['Date'], 'message_id': message['Message-ID'],
        'in_reply_to': message['In-Reply-To'], 'references': message['References'],
        'bodies': bodies, 'attachments': attachments,
        'defects': [str(defect) for part in message.walk() for defect in part.defects],
    }

for line in sys.stdin:
    print(json.dumps(read(base64.b64decode(line))), flush=True)
