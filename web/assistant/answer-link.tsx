/** A link in an answer: internal ones open the page; external ones show their host and ask first. */
import { ExternalLink } from 'lucide-react'
import { type ReactNode, useState } from 'react'
import { Link } from 'wouter'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { outsideAddress, ownPath } from './own-path.ts'

export function AnswerLink({ href, children }: { href: string; children: ReactNode }) {
  const path = ownPath(href, location.origin)
  if (path !== undefined) {
    return (
      <Link href={path} className="text-accent underline wrap-anywhere">
        {children}
      </Link>
    )
  }
  const outside = outsideAddress(href, location.origin)
  if (outside) return <OutsideLink {...outside}>{children}</OutsideLink>
  return (
    <>
      {children} <span className="text-sm text-muted wrap-anywhere">({href.slice(0, 200)})</span>
    </>
  )
}

/** An external link; its text may name one host and lead to another. */
function OutsideLink({ href, host, children }: { href: string; host: string; children: ReactNode }) {
  const [isAsking, setAsking] = useState(false)
  return (
    <>
      <span className="wrap-anywhere">{children}</span>{' '}
      <button
        type="button"
        onClick={() => setAsking(true)}
        title={`Outside this server: ${host}`}
        className="inline-flex items-baseline gap-1 rounded-sm border px-1 text-xs text-soft wrap-anywhere hover:bg-sunken"
      >
        <ExternalLink className="size-3 shrink-0 self-center" aria-hidden="true" />
        <span className="sr-only">Open outside: </span>
        {host}
      </button>
      {isAsking && <AskFirst href={href} host={host} onClose={() => setAsking(false)} />}
    </>
  )
}

function AskFirst({ href, host, onClose }: { href: string; host: string; onClose(): void }) {
  const open = () => {
    window.open(href, '_blank', 'noopener,noreferrer')
    onClose()
  }
  return (
    <Dialog
      isOpen
      size="sm"
      title={`Open ${host}?`}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button variant="primary" icon={ExternalLink} onClick={open}>
            Open
          </Button>
        </>
      }
    >
      <div className="grid gap-2 text-sm">
        <p>
          The assistant wrote this address. It may come from a message, and opening it sends what it contains to its
          server.
        </p>
        <p className="max-h-48 overflow-y-auto rounded-md bg-sunken p-2 font-mono text-xs wrap-anywhere">{href}</p>
      </div>
    </Dialog>
  )
}
