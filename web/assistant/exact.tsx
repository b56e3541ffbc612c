/** The exact input or output of a tool. */

/** Untrusted text may look like Markdown, so it is rendered as plain text. */
export function Exact({ label, heading, text }: { label: string; heading: string; text: string }) {
  return (
    <div className="grid min-w-0 gap-1">
      <p className="text-xs font-medium text-muted">{heading}</p>
      {/* biome-ignore lint/a11y/useSemanticElements: this is not a set of fields */}
      <pre
        // biome-ignore lint/a11y/noNoninteractiveTabindex: scrollable content must be reachable by keyboard
        tabIndex={0}
        role="group"
        aria-label={label}
        dir="auto"
        className="max-h-64 overflow-auto rounded-md bg-sunken p-2 font-mono text-xs whitespace-pre-wrap wrap-anywhere focus-visible:-outline-offset-2"
      >
        {text}
      </pre>
    </div>
  )
}
