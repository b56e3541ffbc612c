// The official Go client, over one transport: what it lists and finds, as one line of JSON.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

type bearer struct{ token string }

func (b bearer) RoundTrip(request *http.Request) (*http.Response, error) {
	request = request.Clone(request.Context())
	request.Header.Set("Authorization", "Bearer "+b.token)
	return http.DefaultTransport.RoundTrip(request)
}

func transportOf(kind string, target []string) mcp.Transport {
	client := &http.Client{Transport: bearer{os.Getenv("RUSTYMAIL_TOKEN")}}
	switch kind {
	case "http":
		return &mcp.StreamableClientTransport{Endpoint: target[0], HTTPClient: client}
	case "sse":
		return &mcp.SSEClientTransport{Endpoint: target[0], HTTPClient: client}
	}
	return &mcp.CommandTransport{Command: exec.Command(target[0], target[1:]...)}
}

func run() error {
	ctx := context.Background()
	client := mcp.NewClient(&mcp.Implementation{Name: "go-peer", Version: "1"}, nil)
	session, err := client.Connect(ctx, transportOf(os.Args[1], os.Args[2:]), nil)
	if err != nil {
		return err
	}
	defer session.Close()
	tools, err := session.ListTools(ctx, nil)
	if err != nil {
		return err
	}
	names := []string{}
	for _, tool := range tools.Tools {
		names = append(names, tool.Name)
	}
	found, err := session.CallTool(ctx, &mcp.CallToolParams{Name: "mail_search", Arguments: map[string]any{"q": "lunch"}})
	if err != nil {
		return err
	}
	var seen any = found.StructuredContent
	if seen == nil {
		seen = found.Content[0].(*mcp.TextContent).Text
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]any{"tools": names, "found": seen})
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
