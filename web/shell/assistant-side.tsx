/** The place of the assistant beside the pages: its code is loaded on first use; what is typed until then is kept. */
import { Suspense, useEffect, useState } from 'react'
import { useLocation } from 'wouter'
import { lazyPage } from '../platform/lazy-page.ts'
import { assistantPlace, type Early, EarlyAssistant } from './early-field.tsx'
import { isHere } from './navigation.ts'

const AssistantPanel = lazyPage(async () => (await import('../assistant/assistant-panel.tsx')).AssistantPanel)

/** @param early Undefined while the panel is closed. */
export function AssistantSide({
  early,
  isWhole,
  onClose,
}: {
  early: Early | undefined
  /** Whether the page fills the window. */
  isWhole: boolean
  onClose(): void
}) {
  const [path] = useLocation()
  const [conversationId, setConversationId] = useState<string>()
  // The assistant's own page replaces the panel.
  const isElsewhere = isHere(path, '/assistant')
  useEffect(() => {
    if (isElsewhere) onClose()
  }, [isElsewhere, onClose])
  if (!early || isElsewhere) return null
  const place = assistantPlace(isWhole)
  return (
    <Suspense fallback={<EarlyAssistant early={early} place={place} onClose={onClose} />}>
      <AssistantPanel
        early={early}
        place={place}
        conversationId={conversationId}
        onConversation={setConversationId}
        onClose={onClose}
      />
    </Suspense>
  )
}
