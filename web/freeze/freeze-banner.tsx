/** A banner on every page while anything is stopped. */
import { Suspense } from 'react'
import { lazyPage } from '../platform/lazy-page.ts'
import { useFreezes } from './use-freezes.ts'

const FreezeStops = lazyPage(async () => (await import('./freeze-stops.tsx')).FreezeStops)

export function FreezeBanner() {
  const { data } = useFreezes()
  const items = data?.items ?? []
  return (
    <div role="status">
      {items.length > 0 && (
        <Suspense fallback={null}>
          <FreezeStops freezes={items} />
        </Suspense>
      )}
    </div>
  )
}
