/** The HTML part in a sandboxed frame: no scripts, no forms, its own origin, and no remote content unless requested. */
import { ImageDown, ShieldCheck } from 'lucide-react'
import { useState } from 'react'
import { messageHtmlPath } from '../../contract/mail.ts'
import { addressOf } from '../platform/api-client.ts'
import { Button } from '../ui/button.tsx'
import { classNames } from '../ui/class-names.ts'
import { mayHaveRemoteContent } from './mail-words.ts'

export function HtmlFrame({
  accountId,
  messageRef,
  html,
  heightRem,
}: {
  accountId: string
  messageRef: string
  html: string
  /** Height in rem; fills the available height if undefined. */
  heightRem: number | undefined
}) {
  const [isRemoteLoaded, setRemoteLoaded] = useState(false)
  const source = addressOf(
    messageHtmlPath,
    { account_id: accountId, ref: messageRef },
    { remote: isRemoteLoaded ? 'true' : undefined },
  )
  return (
    <>
      {mayHaveRemoteContent(html) && <RemoteNote isLoaded={isRemoteLoaded} onLoad={() => setRemoteLoaded(true)} />}
      {/* Keyed by address: changing `src` would add a history entry. Mail is designed for a white background, so it
         gets one in dark mode, too. */}
      <iframe
        key={source}
        title="The HTML part of the message"
        sandbox="allow-popups allow-popups-to-escape-sandbox"
        // Where browsers send no fetch metadata, the server recognises a frame by a Referer without a path; see
        // `refuseOutsideFrame`.
        referrerPolicy="origin"
        src={source}
        className={classNames(
          'w-full bg-on-fill scheme-light',
          heightRem === undefined && 'min-h-47 flex-1 md:min-h-64',
        )}
        style={heightRem === undefined ? undefined : { height: `${heightRem}rem` }}
      />
    </>
  )
}

function RemoteNote({ isLoaded, onLoad }: { isLoaded: boolean; onLoad(): void }) {
  if (isLoaded) {
    return (
      <p role="status" className="border-b bg-sunken px-4 py-2 text-xs text-soft">
        Remote content is loaded for this message, just this once.
      </p>
    )
  }
  return (
    <div className="flex flex-wrap items-center gap-x-3 gap-y-1 border-b bg-sunken px-4 py-1.5 md:py-2">
      <p className="flex grow basis-48 items-start gap-2 text-xs text-soft md:basis-72">
        <ShieldCheck className="size-4 shrink-0 text-good" aria-hidden="true" />
        <span>
          <span className="max-md:sr-only">Remote images are not loaded. </span>
          Loading remote content tells the sender when you opened this and your IP address.
        </span>
      </p>
      <Button size="sm" icon={ImageDown} onClick={onLoad}>
        Load remote content
      </Button>
    </div>
  )
}
