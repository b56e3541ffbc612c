/** What goes into a tool or comes out of it, letter by letter. */

/** Words of strangers may look like Markdown: they are text. */
export function Exact({ label, heading, text }: { label: string; heading: string; text: string }) {
  return (
    <div className="grid min-w-0 gap-1">
      <p className="text-xs font-medium text-muted">{heading}</p>
      {/* biome-ignore lint/a11y/useSemanticElements: a set of fields it is not */}
      <pre
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
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
