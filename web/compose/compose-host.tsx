/** Around every page: the window of the open draft, and what becomes of what was just sent. */
import { Suspense } from 'react'
import { lazyPage } from '../platform/lazy-page.ts'
import { useCompose } from './compose-context.tsx'
import { SentBar } from './sent-bar.tsx'

const ComposeWindow = lazyPage(async () => (await import('./compose-window.tsx')).ComposeWindow)

export function ComposeHost() {
  const { open } = useCompose()
  return (
    <>
      {open && (
        <Suspense fallback={null}>
          <ComposeWindow />
        </Suspense>
      )}
      <SentBar />
    </>
  )
}
