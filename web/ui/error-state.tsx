/** Shown where something failed: the server's reason, and a way to retry. */
import { RotateCw } from 'lucide-react'
import type { ReactNode } from 'react'
import { ApiProblem } from '../platform/api-client.ts'
import { ToneIcon } from './badge.tsx'
import { Button } from './button.tsx'

interface Words {
  title: string
  detail: string
  serverResponse: string | undefined
  requestId: string | undefined
}

function wordsOf(error: Error): Words {
  if (!(error instanceof ApiProblem)) {
    return {
      title: 'Something went wrong on this page',
      detail: error.message,
      serverResponse: undefined,
      requestId: undefined,
    }
  }
  const { title, detail, server_response: serverResponse, instance } = error.body
  return { title, detail, serverResponse, requestId: instance || undefined }
}

/** An error in place of a panel's content. */
export function ErrorState({ error, onRetry }: { error: Error; onRetry?: () => void }) {
  const { title, detail, serverResponse, requestId } = wordsOf(error)
  return (
    <div role="alert" className="grid justify-items-center gap-2 px-4 py-8 text-center">
      <ToneIcon tone="bad" size="md" />
      <p className="font-semibold">{title}</p>
      <p className="max-w-prose text-sm text-soft">{detail}</p>
      {serverResponse && <ServerWords words={serverResponse} />}
      {onRetry && (
        <Button size="sm" icon={RotateCw} onClick={onRetry}>
          Try again
        </Button>
      )}
      {requestId && <p className="text-xs text-muted">Request {requestId}</p>}
    </div>
  )
}

/** An error inside a form or dialog. */
export function ErrorNote({ error }: { error: Error }) {
  const { title, detail, serverResponse } = wordsOf(error)
  return (
    <FaultNote title={title} detail={detail}>
      {serverResponse && <ServerWords words={serverResponse} />}
    </FaultNote>
  )
}

/**
 * An error inside a form or dialog, in the page's own words.
 * @param aside Text that changes while it is shown, and is not announced again.
 */
export function FaultNote({
  title,
  detail,
  children,
  aside,
}: {
  title: string
  detail: ReactNode
  children?: ReactNode
  aside?: ReactNode
}) {
  return (
    <div className="flex gap-2 rounded-md bg-bad-tint p-3 text-sm">
      <span className="mt-0.5">
        <ToneIcon tone="bad" />
      </span>
      <div className="grid min-w-0 gap-1">
        <div role="alert" className="grid gap-1">
          <p className="font-semibold text-bad">{title}</p>
          <p className="text-ink">{detail}</p>
          {children}
        </div>
        {aside}
      </div>
    </div>
  )
}

function ServerWords({ words }: { words: string }) {
  return (
    <p className="text-xs text-soft">
      The server said: <q className="font-mono">{words}</q>
    </p>
  )
}
