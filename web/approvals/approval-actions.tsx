/** Approve, edit or deny, at the bottom at thumb's reach. An approval names the hash that is on screen. */
import { ArrowDown, Check, Pencil, X } from 'lucide-react'
import { useState } from 'react'
import type { ApprovalDetail } from '../../contract/approvals.ts'
import { passkeyWords } from '../access/passkeys.ts'
import { ApiProblem } from '../platform/api-client.ts'
import { usePageKeys } from '../shell/page-keys.ts'
import { useTypedWords } from '../shell/typed-words.ts'
import { Button } from '../ui/button.tsx'
import { Key } from '../ui/key.tsx'
import { WaitNote } from '../ui/wait-note.tsx'
import { DenyDialog } from './deny-dialog.tsx'
import { EditHeldDialog } from './edit-held-dialog.tsx'
import { NextWaiting } from './next-waiting.tsx'
import { SignInAgainDialog } from './sign-in-again.tsx'
import { useApprove } from './use-approvals.ts'

export function ApprovalActions({
  detail,
  isNewest,
  isSeen,
  onShow,
}: {
  detail: ApprovalDetail
  /** Whether it has not been edited since it was opened. */
  isNewest: boolean
  /** Whether the message itself has been on screen. */
  isSeen: boolean
  /** Scrolls the message into view. */
  onShow(): void
}) {
  const { state, can, cannot_because: because } = detail
  const approve = useApprove(detail)
  const [beganWaiting] = useState(state === 'waiting')
  const [dialog, setDialog] = useState<'deny' | 'edit'>()
  const [isSigningIn, setSigningIn] = useState(false)
  const may = (what: (typeof can)[number]) => state === 'waiting' && can.includes(what)
  const isReady = isSeen && isNewest && may('approve') && !approve.isPending && !approve.isSuccess
  const decide = () =>
    approve.mutate(undefined, {
      onError: error => setSigningIn(error instanceof ApiProblem && error.code === 'recent_sign_in_required'),
    })
  const isWord = useTypedWords()
  usePageKeys({
    a: () => (isWord() ? false : isReady ? decide() : !isSeen && onShow()),
    e: () => (may('edit') && isNewest ? setDialog('edit') : false),
    d: () => (may('deny') ? setDialog('deny') : false),
  })
  return (
    <footer data-at-bottom="buttons" className="grid shrink-0 grid-cols-1 gap-2 border-t bg-surface px-3 py-2 md:px-4">
      {approve.error && !isSigningIn && <WaitNote error={approve.error} words={passkeyWords(approve.error)} />}
      {state === 'waiting' && because !== null && <p className="text-sm text-soft">{because}</p>}
      {state !== 'waiting' && (
        <>
          <p role="status" className="text-sm text-soft">
            {endWords(detail)}
          </p>
          <NextWaiting after={detail.id} takesFocus={beganWaiting} />
        </>
      )}
      {state === 'waiting' && (
        <div className="flex flex-wrap justify-end gap-2">
          <Button className={tall} icon={X} disabled={!may('deny')} onClick={() => setDialog('deny')}>
            Deny <Key>d</Key>
          </Button>
          <Button className={tall} icon={Pencil} disabled={!may('edit') || !isNewest} onClick={() => setDialog('edit')}>
            Edit <Key>e</Key>
          </Button>
          {isSeen || !may('approve') ? (
            <Button
              className={tall}
              variant="primary"
              icon={Check}
              isBusy={approve.isPending}
              disabled={!isReady}
              onClick={decide}
            >
              <span>
                Approve<span className="max-md:sr-only"> and send</span>
              </span>
              <Key>a</Key>
            </Button>
          ) : (
            <Button className={tall} icon={ArrowDown} onClick={onShow}>
              Read it first <Key>a</Key>
            </Button>
          )}
        </div>
      )}
      {state === 'waiting' && detail.needs_passkey && may('approve') && (
        <p className="text-end text-sm text-soft">You confirm it with your passkey.</p>
      )}
      {dialog === 'deny' && <DenyDialog detail={detail} onClose={() => setDialog(undefined)} />}
      {dialog === 'edit' && <EditHeldDialog detail={detail} onClose={() => setDialog(undefined)} />}
      {isSigningIn && <SignInAgainDialog onClose={() => setSigningIn(false)} />}
    </footer>
  )
}

/** Buttons share the width on phones, and wrap if their labels need it. */
const tall = 'min-h-11 max-md:grow'

function endWords({ state, decisions, submission }: ApprovalDetail): string {
  if (state === 'approved') {
    const by = decisions.filter(({ decision }) => decision === 'approve').map(({ name }) => name)
    return `Approved by ${by.join(' and ')}. ${submission.state === 'sent' ? 'It was sent.' : 'See the outbox for its delivery.'}`
  }
  if (state === 'denied') return `Denied by ${decisions.find(({ decision }) => decision === 'deny')?.name ?? 'a user'}.`
  if (state === 'expired') return 'Nobody decided in time. Nothing was sent.'
  return 'It was withdrawn or replaced before a decision. Nothing was sent.'
}
