/** The HTML of an outgoing message in a frame of its own origin, with a warning about words that are out of sight. */
import { useCallback, useEffect, useRef, useState } from 'react'
import { type outOfSight, wordsOf } from './out-of-sight.ts'
import { OutOfSightNote } from './out-of-sight-note.tsx'
import { useOutOfSight } from './use-out-of-sight.ts'

const size = 'h-[min(28rem,55dvh)] w-full'

/** @param unseen Words that the server found to be invisible. @param onSeen Called once it is shown with its warnings. */
export function OutgoingFrame({
  source,
  unseen,
  onSeen,
}: {
  source: string
  unseen: string | null
  onSeen: (() => void) | undefined
}) {
  const [isLoaded, setLoaded] = useState(false)
  const [hasGauge, setGauge] = useState(false)
  const gauge = useRef<HTMLIFrameElement>(null)
  const measure = useCallback((): Parameters<typeof outOfSight> | undefined => {
    if (!hasGauge || !gauge.current) return undefined
    const { contentDocument: page, clientWidth: width, clientHeight: height } = gauge.current
    // Not shown at the moment.
    if (width === 0 || height === 0) return undefined
    if (!page?.body) throw new Error('the frame gives no access')
    return [wordsOf(page), { width, height }, new Set((unseen ?? '').split(/\s+/))]
  }, [hasGauge, unseen])
  const found = useOutOfSight(gauge, measure)
  useEffect(() => {
    if (found !== undefined) onSeen?.()
  }, [found, onSeen])
  return (
    <>
      <OutOfSightNote found={found} />
      <div className="relative overflow-hidden" data-measured={found !== undefined}>
        <iframe
          key={source}
          title="The message as it will be sent"
          sandbox="allow-popups allow-popups-to-escape-sandbox"
          // Where browsers send no fetch metadata, the server recognises a frame by a Referer without a path; see
          // `refuseOutsideFrame`.
          referrerPolicy="origin"
          src={source}
          onLoad={() => setLoaded(true)}
          className={`${size} bg-on-fill scheme-light`}
        />
        {isLoaded && (
          <iframe
            key={`gauge ${source}`}
            ref={gauge}
            title="The same message, measured"
            aria-hidden="true"
            tabIndex={-1}
            // Its words can be measured, and nothing in it can run: never add `allow-scripts`.
            sandbox="allow-same-origin"
            referrerPolicy="origin"
            src={`${source}&measured=true`}
            onLoad={() => setGauge(true)}
            className={`${size} pointer-events-none invisible absolute inset-0 scheme-light`}
          />
        )}
      </div>
    </>
  )
}
