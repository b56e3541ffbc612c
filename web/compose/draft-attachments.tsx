/** The attachments of a draft, and the uploads in progress. */
import { Paperclip, X } from 'lucide-react'
import { formatBytes } from '../platform/format.ts'
import { visibleText } from '../platform/visible-text.ts'
import { FileRiskBadge } from '../ui/file-risk-badge.tsx'
import { useToast } from '../ui/toast.tsx'
import type { DraftSession, DraftSnapshot } from './draft-session.ts'
import type { Upload } from './upload.ts'

export function DraftAttachments({ session, snapshot }: { session: DraftSession; snapshot: DraftSnapshot }) {
  const { draft, uploads } = snapshot
  const toast = useToast()
  if (draft.attachments.length + uploads.length === 0) return null
  const remove = (id: string) =>
    session
      .removeAttachment(id)
      .catch((error: Error) => toast({ tone: 'bad', title: 'Still attached', detail: error.message }))
  return (
    <ul aria-label="Attachments" className="flex flex-wrap gap-1.5 pb-2">
      {draft.attachments.map(({ id, name, type, size_bytes: size }) => (
        <li key={id} className="flex max-w-full min-w-0 items-center gap-2 rounded-md border ps-2.5">
          <Paperclip className="size-4 shrink-0 text-muted" aria-hidden="true" />
          <bdi className="min-w-0 truncate text-sm">{visibleText(name)}</bdi>
          <span className="shrink-0 text-xs text-muted">{formatBytes(size)}</span>
          <FileRiskBadge name={name} type={type} />
          <Remove label={`Remove ${visibleText(name)}`} onClick={() => void remove(id)} />
        </li>
      ))}
      {uploads.map(upload => (
        <UploadItem key={upload.id} upload={upload} onDismiss={() => session.dismissUpload(upload.id)} />
      ))}
    </ul>
  )
}

function UploadItem({ upload: { name, size, sent, error, cancel }, onDismiss }: { upload: Upload; onDismiss(): void }) {
  return (
    <li
      role={error ? 'alert' : undefined}
      className="relative flex max-w-full min-w-0 items-center gap-2 overflow-hidden rounded-md border ps-2.5"
    >
      <span className="grid min-w-0 py-1">
        <bdi className="truncate text-sm">{visibleText(name)}</bdi>
        <span className={error ? 'text-xs text-bad' : 'text-xs text-muted'}>
          {error ? `Not attached: ${error.message}` : `${formatBytes(sent)} of ${formatBytes(size)}`}
        </span>
      </span>
      <Remove
        label={error ? `Dismiss ${visibleText(name)}` : `Cancel ${visibleText(name)}`}
        onClick={error ? onDismiss : cancel}
      />
      {!error && (
        <progress
          aria-label={`Upload of ${visibleText(name)}`}
          value={sent}
          max={Math.max(size, 1)}
          className="sr-only"
        />
      )}
      {!error && (
        <span
          aria-hidden="true"
          className="absolute bottom-0 left-0 h-0.5 bg-accent-fill"
          style={{ width: `${(sent / Math.max(size, 1)) * 100}%` }}
        />
      )}
    </li>
  )
}

function Remove({ label, onClick }: { label: string; onClick(): void }) {
  return (
    <button
      type="button"
      aria-label={label}
      onClick={onClick}
      className="flex size-8 shrink-0 items-center justify-center rounded-sm text-muted hover:text-ink max-md:size-11"
    >
      <X className="size-4" aria-hidden="true" />
    </button>
  )
}
