"""Holds webhooks that were delivered against the rules of mcp-webhook-events, and against what that package itself sends for the same event.

Reads one JSON object from stdin: the secret, the event type as `events/list` has it, the arguments and the id of the subscription, and the requests
that came. Prints what the package makes of them, as JSON; ends with an error where it takes one for wrong.
"""
import json
import os
import sys
import tempfile

import jsonschema
from mcp_webhook_events import MAX_BODY, EventDefinition, McpEvents, valid_secret
from standardwebhooks import Webhook


class Recorder:
    """In the place of the network."""

    def __init__(self):
        self.sent = []

    def check_url(self, url):
        return url

    def post(self, url, body, headers):
        self.sent.append((json.loads(body), headers))
        return 200, json.dumps({"challenge": json.loads(body).get("challenge")}).encode()


given = json.load(sys.stdin)
secret, listed, arguments = given["secret"], given["definition"], given["arguments"]
assert valid_secret(secret), "the secret"
definition = EventDefinition(listed["name"], listed["description"], listed["inputSchema"], listed["payloadSchema"])
missing = definition.wire().keys() - listed.keys()
assert not missing, f"the event type lacks {missing}"
assert "webhook" in listed["delivery"], "webhooks are not offered"
jsonschema.Draft202012Validator.check_schema(listed["payloadSchema"])

events = []
with tempfile.TemporaryDirectory() as folder:
    recorder = Recorder()
    peer = McpEvents(None, os.path.join(folder, "events"), [definition], http=recorder)
    peer.subscribe(
        "anyone",
        {
            "name": listed["name"],
            "arguments": arguments,
            "delivery": {"mode": "webhook", "url": "https://hooks.example/", "secret": secret},
        },
    )
    for delivery in given["deliveries"]:
        headers, text = delivery["headers"], delivery["text"]
        body = Webhook(secret).verify(text, headers)
        assert len(text.encode()) <= MAX_BODY, "the size"
        assert headers["content-type"] == "application/json", headers["content-type"]
        assert headers["x-mcp-subscription-id"] == given["subscription"], "the id of the subscription"
        if body.get("type") == "verification":
            own, own_headers = recorder.sent[0]
        else:
            assert body["eventId"] == headers["webhook-id"], "the id of the event"
            assert body["name"] == definition.name, body["name"]
            recorder.sent.clear()
            # Validates the data by the schema.
            assert peer.publish(body["name"], body["data"], event_id=body["eventId"]) == 1, "it matches no subscription"
            assert peer.deliver_pending()["delivered"] == 1
            own, own_headers = recorder.sent[0]
            assert own["data"] == body["data"]
            events.append(body["eventId"])
        assert own.keys() == body.keys(), f"{body.keys()} in place of {own.keys()}"
        lacking = {name.lower() for name in own_headers} - headers.keys()
        assert not lacking, f"lacks the headers {lacking}"
json.dump({"events": events, "taken": len(given["deliveries"])}, sys.stdout)
