/** All accounts, and the folders of the selected one. */
import { ChevronDown, ChevronRight } from 'lucide-react'
import { Link } from 'wouter'
import type { Account } from '../../contract/accounts.ts'
import type { IndexStatus } from '../../contract/mail-index.ts'
import { isReadable, stateWords } from '../accounts/account-words.ts'
import { OpenDrafts } from '../compose/open-drafts.tsx'
import { formatNumber } from '../platform/format.ts'
import { Badge, ToneIcon } from '../ui/badge.tsx'
import { classNames } from '../ui/class-names.ts'
import { FolderList, folderView } from './folder-list.tsx'
import { useInSight } from './use-in-sight.ts'
import { isUsable } from './use-mail-source.ts'
import type { useMailView } from './use-mail-view.ts'

export function AccountTree({
  accounts,
  account,
  areFoldersKnown,
  index,
  at,
}: {
  accounts: readonly Account[]
  /** The selected account; undefined if the address names an unknown one. */
  account: Account | undefined
  areFoldersKnown: boolean
  index: IndexStatus | undefined
  at: ReturnType<typeof useMailView>
}) {
  return (
    <>
      <nav aria-label="Folders" className="min-h-0 flex-1 overflow-y-auto p-2">
        {accounts.map(each => (
          <section key={each.id} aria-label={each.name} className="pb-1">
            <AccountLine account={each} isHere={each === account} isOnly={accounts.length === 1} at={at} />
            {each === account && (isReadable(each) || areFoldersKnown) && (
              <FolderList accountId={each.id} at={at} hasIndex={isUsable(index)} />
            )}
            {each === account && <OpenDrafts accountId={each.id} />}
          </section>
        ))}
      </nav>
      {account && isReadable(account) && index?.state === 'building' && (
        <Indexing accountId={account.id} index={index} />
      )}
    </>
  )
}

function AccountLine({
  account: { id, name, email, is_sandbox: isSandbox, state },
  isHere,
  isOnly,
  at,
}: {
  account: Account
  isHere: boolean
  isOnly: boolean
  at: ReturnType<typeof useMailView>
}) {
  const { tone, text } = stateWords[state]
  const line = useInSight(isHere)
  const Arrow = isHere ? ChevronDown : ChevronRight
  const words = (
    <>
      {!isOnly && <Arrow className="size-3.5 shrink-0 text-muted" aria-hidden="true" />}
      <span className="min-w-0 flex-1 truncate text-sm font-semibold" title={email}>
        {name}
      </span>
      {isSandbox && !isOnly && <Badge tone="warn">Sandbox</Badge>}
      {state !== 'ready' && (
        <span title={text} className="flex">
          <ToneIcon tone={tone} />
          <span className="sr-only">{text}</span>
        </span>
      )}
    </>
  )
  const look = 'flex min-h-9 items-center gap-1.5 rounded-md px-2 xl:min-h-8'
  if (isOnly) return <p className={look}>{words}</p>
  return (
    <Link
      ref={line}
      href={at.hrefTo({ ...folderView('INBOX'), account: id })}
      aria-expanded={isHere}
      className={classNames(look, 'hover:bg-sunken focus-visible:-outline-offset-2', isHere ? 'text-ink' : 'text-soft')}
    >
      {words}
    </Link>
  )
}

/** Progress of the index while lists still come from the mail server. */
function Indexing({ accountId, index }: { accountId: string; index: IndexStatus }) {
  const { places, server_messages: onServer } = index
  const done = Math.min(places, onServer)
  return (
    <Link href={`/accounts/${accountId}`} className="grid shrink-0 gap-1 border-t px-3 py-2 text-xs hover:bg-sunken">
      <span className="flex justify-between gap-2">
        <span className="text-muted">Indexing</span>
        <span className="text-soft">
          {formatNumber(done)} of {formatNumber(onServer)}
        </span>
      </span>
      <span aria-hidden="true" className="block h-1 overflow-hidden rounded-full bg-sunken">
        <span
          className="block h-full bg-accent-fill forced-color-adjust-none forced-colors:bg-[CanvasText]"
          style={{ width: `${(done / Math.max(onServer, 1)) * 100}%` }}
        />
      </span>
    </Link>
  )
}
