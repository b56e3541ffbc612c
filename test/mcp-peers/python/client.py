"""The official Python client, over one transport: what it lists and finds, as one line of JSON."""

import asyncio
import json
import os
import sys

import httpx2
from mcp import Client, StdioServerParameters
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client


def server_of(transport: str, target: list[str]):
    headers = {"Authorization": f"Bearer {os.environ['RUSTYMAIL_TOKEN']}"}
    if transport == "http":
        return streamable_http_client(target[0], http_client=httpx2.AsyncClient(headers=headers))
    if transport == "sse":
        return sse_client(target[0], headers=headers)
    return StdioServerParameters(command=target[0], args=target[1:], env=dict(os.environ))


async def main() -> None:
    transport, *target = sys.argv[1:]
    async with Client(server_of(transport, target)) as client:
        tools = await client.list_tools()
        found = await client.call_tool("mail_search", {"q": "lunch"})
        names = [tool.name for tool in tools.tools]
        print(json.dumps({"tools": names, "found": found.structured_content or found.content[0].text}))


asyncio.run(main())
