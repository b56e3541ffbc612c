/** What hangs on a message: names, types and sizes. */
import { File, FileArchive, FileImage, FileMusic, FileText, FileVideo, type LucideIcon, Mail } from 'lucide-react'
import { useId } from 'react'
import type { Attachment } from '../../contract/mail.ts'
import { formatBytes, formatCount, formatNumber } from '../platform/format.ts'
import { visibleText } from './mail-words.ts'

const icons: readonly [RegExp, LucideIcon][] = [
  [/^image\//, FileImage],
  [/^audio\//, FileMusic],
  [/^video\//, FileVideo],
  [/^message\//, Mail],
  [/zip|tar|compressed/, FileArchive],
  [/^text\/|pdf|document/, FileText],
]

/** @param count How many there are, of which the server lists the first. */
export function AttachmentList({ attachments, count }: { attachments: readonly Attachment[]; count: number }) {
  const id = useId()
  if (attachments.length === 0) return null
  const bytes = attachments.reduce((sum, { size_bytes: size }) => sum + size, 0)
  return (
    <section aria-labelledby={id} className="grid shrink-0 grid-cols-1 gap-1.5 border-b px-4 py-2.5">
      <h3 id={id} className="text-xs text-muted">
        {formatCount(count, 'attachment')}
        {count > attachments.length && `, of which the first ${formatNumber(attachments.length)} are listed`},{' '}
        {formatBytes(bytes)} as sent
      </h3>
      <ul className="flex flex-wrap gap-1.5">
        {attachments.map(attachment => (
          <AttachmentItem key={attachment.id} attachment={attachment} />
        ))}
      </ul>
    </section>
  )
}

function AttachmentItem({
  attachment: { name, type, size_bytes: sizeBytes, is_inline: isInline },
}: {
  attachment: Attachment
}) {
  const Icon = icons.find(([pattern]) => pattern.test(type))?.[1] ?? File
  return (
    <li className="flex max-w-full min-w-0 items-center gap-2 rounded-md border px-2.5 py-1.5">
      <Icon className="size-4 shrink-0 text-muted" aria-hidden="true" />
      <span className="min-w-0">
        <bdi className="block truncate text-sm" title={name === null ? undefined : visibleText(name)}>
          {name === null ? 'Without a name' : visibleText(name)}
        </bdi>
        <span className="block truncate text-xs text-muted">
          <bdi>{visibleText(type)}</bdi>, {formatBytes(sizeBytes)}
          {isInline && ', in the text'}
        </span>
      </span>
    </li>
  )
}
