/** Starts a new message, or a reply to the open one, by buttons and by the keys c, r, a, f. */
import { Forward, PenLine, Reply, ReplyAll } from 'lucide-react'
import { useMay } from '../platform/session.ts'
import { usePageKeys } from '../shell/page-keys.ts'
import { Button } from '../ui/button.tsx'
import { useCompose } from './compose-context.tsx'

interface Named {
  accountId: string
  messageRef: string
}

const answers = [
  { mode: 'reply', label: 'Reply', icon: Reply },
  { mode: 'reply_all', label: 'Reply all', icon: ReplyAll },
  { mode: 'forward', label: 'Forward', icon: Forward },
] as const

export function ComposeButton({ accountId }: { accountId: string }) {
  const { begin, isBeginning } = useCompose()
  if (!useMay('mail:draft')) return null
  return (
    <Button
      variant="primary"
      icon={PenLine}
      title="New message (c)"
      className="m-2 mb-0 max-xl:min-h-11"
      isBusy={isBeginning}
      onClick={() => begin(accountId, {})}
    >
      New message
    </Button>
  )
}

/** The floating button for a new message, at thumb's reach where the folder pane and its button are hidden. */
export function ComposeCorner({ accountId }: { accountId: string }) {
  const { begin, isBeginning } = useCompose()
  if (!useMay('mail:draft')) return null
  return (
    <button
      type="button"
      aria-label="New message"
      title="New message (c)"
      disabled={isBeginning}
      onClick={() => begin(accountId, {})}
      data-at-bottom="begin"
      className="fixed right-4 bottom-28 z-10 flex size-14 items-center justify-center rounded-full bg-accent-fill text-on-fill shadow-float enabled:hover:bg-accent-fill-hover md:absolute md:bottom-14 roomy:hidden"
    >
      <PenLine className="size-6" aria-hidden="true" />
    </button>
  )
}

/** The reply buttons below a message. */
export function AnswerLine({ accountId, messageRef }: Named) {
  const { begin } = useCompose()
  if (!useMay('mail:draft')) return null
  return (
    <p className="flex shrink-0 flex-wrap gap-2 border-t px-3 py-1 md:px-4 md:py-1.5">
      {answers.map(({ mode, label, icon }) => (
        <Button
          key={mode}
          size="sm"
          icon={icon}
          className="max-md:min-h-11 max-sm:[&_svg]:hidden"
          onClick={() => begin(accountId, { mode, message: messageRef })}
        >
          {label}
        </Button>
      ))}
    </p>
  )
}

/**
 * Handles the compose keys.
 * @param message The open message; empty if none is.
 */
export function useComposeKeys(accountId: string, messageAccountId: string, message: string): void {
  const { begin, open } = useCompose()
  const mayDraft = useMay('mail:draft')
  const answer = (mode: (typeof answers)[number]['mode']) => () =>
    mayDraft && message !== '' && !open ? begin(messageAccountId, { mode, message }) : false
  usePageKeys({
    c: () => (mayDraft && !open ? begin(accountId, {}) : false),
    r: answer('reply'),
    a: answer('reply_all'),
    f: answer('forward'),
  })
}
