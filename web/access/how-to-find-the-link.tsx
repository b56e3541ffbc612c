/** Explains where to find the set-up link. */

export function HowToFindTheLink() {
  return (
    <div className="grid gap-2 rounded-md bg-sunken p-3 text-sm">
      <p className="font-medium">Where is the set-up link?</p>
      <ul className="grid list-disc gap-1 pl-5 text-soft">
        <li>
          In the server’s terminal or log, on the line that starts with{' '}
          <code className="font-mono text-ink">Set up:</code>
        </li>
        <li>It works once and expires after 30 minutes. Restart the server to get a new one.</li>
        <li>
          Or create the first administrator without it: stop the server, then run in its folder{' '}
          <code className="font-mono text-ink">node bin/rustymail.js user create-admin</code> with{' '}
          <code className="font-mono text-ink">--email</code> and <code className="font-mono text-ink">--name</code>. It
          asks for the password. Then start the server again.
        </li>
      </ul>
    </div>
  )
}
