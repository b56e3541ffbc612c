/** Rendered on every page: the window of the open draft, and the state of the message that was just sent. */
import { Suspense } from 'react'
import { lazyPage } from '../platform/lazy-page.ts'
import { useCompose } from './compose-context.tsx'

const loadSentBar = () => import('./sent-bar.tsx')
const SentBar = lazyPage(async () => (await loadSentBar()).SentBar)
// Loads the undo bar with the window, so that it is ready before anything is sent.
const ComposeWindow = lazyPage(async () => {
  const [{ ComposeWindow: Window }] = await Promise.all([import('./compose-window.tsx'), loadSentBar()])
  return Window
})

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
