/** Around every page: the window of the open draft, and what becomes of what was just sent. */
import { Suspense } from 'react'
import { lazyPage } from '../platform/lazy-page.ts'
import { useCompose } from './compose-context.tsx'

const ComposeWindow = lazyPage(async () => (await import('./compose-window.tsx')).ComposeWindow)

const SentBar = lazyPage(async () => (await import('./sent-bar.tsx')).SentBar)

export function ComposeHost() {
  const { open, sent } = useCompose()
  return (
    <>
      {open && (
        <Suspense fallback={null}>
          <ComposeWindow />
        </Suspense>
      )}
      {sent && (
        <Suspense fallback={null}>
          <SentBar sent={sent} />
        </Suspense>
      )}
    </>
  )
}
