/** The frame around every page: navigation rail, top bar, and connection banner. */
import { type ReactNode, type RefObject, Suspense, useCallback, useEffect, useRef, useState } from 'react'
import { useLocation } from 'wouter'
import { ApprovalNotices } from '../approvals/approval-notices.tsx'
import { ComposeProvider } from '../compose/compose-context.tsx'
import { ComposeHost } from '../compose/compose-host.tsx'
import { FreezeBanner } from '../freeze/freeze-banner.tsx'
import { lazyPage } from '../platform/lazy-page.ts'
import { useStream } from '../platform/live.tsx'
import { useSession } from '../platform/session.ts'
import type { ThemeChoice } from '../platform/theme.ts'
import { PushFollower } from '../push/push-follower.tsx'
import { classNames } from '../ui/class-names.ts'
import { AssistantSide } from './assistant-side.tsx'
import type { Early } from './early-field.tsx'
import { NavRail } from './nav-rail.tsx'
import { destinations, isHere, mayOpen } from './navigation.ts'
import { type PageKeys, PageKeysContext } from './page-keys.ts'
import { type Opened, Shortcuts } from './shortcuts.tsx'
import { TopBar } from './top-bar.tsx'
import { TroubleBanner } from './trouble-banner.tsx'

const FreezeDialog = lazyPage(async () => (await import('../freeze/freeze-dialog.tsx')).FreezeDialog)

export function Shell({
  theme,
  children,
}: {
  theme: [ThemeChoice, (choice: ThemeChoice) => void]
  children: ReactNode
}) {
  const stream = useStream()
  const [opened, setOpened] = useState<Opened>()
  const [isStopping, setStopping] = useState(false)
  const [assistant, setAssistant] = useState<Early>()
  const closeAssistant = useCallback(() => setAssistant(undefined), [])
  const pageKeys = useRef(new Set<RefObject<PageKeys>>())
  const [path] = useLocation()
  const session = useSession()
  const { scopes } = session.principal
  // Everything on the page was requested after this event, however often the session is refetched.
  const [after] = useState(session.last_event_id ?? undefined)
  const isWhole =
    mayOpen(path, scopes) && destinations.some(destination => destination.isWhole && isHere(path, destination.href))
  useEffect(() => stream.open(after), [stream, after])
  return (
    <PageKeysContext value={pageKeys}>
      <ComposeProvider>
        <div className={classNames('flex max-md:flex-col', isWhole ? 'h-dvh' : 'min-h-dvh')}>
          <a
            href="#content"
            className="sr-only rounded-md bg-accent-fill px-3 py-2 text-on-fill focus:not-sr-only focus:fixed focus:top-2 focus:left-2 focus:z-50"
          >
            Skip to the content
          </a>
          <NavRail />
          <div className="flex min-h-0 min-w-0 flex-1 flex-col">
            <TopBar theme={theme} onPalette={() => setOpened('palette')} onStop={() => setStopping(true)} />
            <TroubleBanner />
            <FreezeBanner />
            <main
              id="content"
              tabIndex={-1}
              className={classNames(
                'min-w-0 flex-1 outline-none',
                isWhole ? 'flex min-h-0 flex-col overflow-y-auto max-md:pb-nav' : 'p-4 max-md:pb-20 lg:p-6',
              )}
            >
              {isWhole ? children : <div className="@container/page mx-auto max-w-page">{children}</div>}
            </main>
          </div>
          <AssistantSide early={assistant} isWhole={isWhole} onClose={closeAssistant} />
          <Shortcuts
            opened={opened}
            onOpen={setOpened}
            assistant={assistant}
            onAssistant={setAssistant}
            setTheme={theme[1]}
          />
          <ComposeHost />
          <ApprovalNotices />
          <PushFollower />
          {isStopping && (
            <Suspense fallback={null}>
              <FreezeDialog
                target={{ target: 'everything', name: 'all programs' }}
                onClose={() => setStopping(false)}
              />
            </Suspense>
          )}
        </div>
      </ComposeProvider>
    </PageKeysContext>
  )
}
