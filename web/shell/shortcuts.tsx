/** The overlays that shortcuts open: palette, assistant, and the list of shortcuts. */
import { Suspense, useContext, useEffect, useState } from 'react'
import { useLocation } from 'wouter'
import type { PaletteDoers } from '../palette/palette-items.ts'
import { lazyPage } from '../platform/lazy-page.ts'
import { useSession, useSignOut } from '../platform/session.ts'
import type { ThemeChoice } from '../platform/theme.ts'
import { useToast } from '../ui/toast.tsx'
import { type Early, EarlyPalette, newEarly } from './early-field.tsx'
import { destinations, isHere } from './navigation.ts'
import { findPageKey, PageKeysContext } from './page-keys.ts'
import { useSingleKeys } from './single-keys.ts'
import { useShortcuts } from './use-shortcuts.ts'

const KeysDialog = lazyPage(async () => (await import('./keys-dialog.tsx')).KeysDialog)
const loadPalette = () => import('../palette/palette.tsx')
const Palette = lazyPage(async () => (await loadPalette()).Palette)
/** Milliseconds after which the palette is preloaded: the page has loaded by then. */
const paletteAfterMs = 3_000

export type Opened = 'palette' | 'keys' | undefined

export function Shortcuts({
  opened,
  onOpen,
  assistant,
  onAssistant,
  setTheme,
}: {
  opened: Opened
  onOpen(opened: Opened): void
  /** Undefined while the assistant is closed. */
  assistant: Early | undefined
  onAssistant(assistant: Early | undefined): void
  setTheme(choice: ThemeChoice): void
}) {
  const [path, navigate] = useLocation()
  const { scopes } = useSession().principal
  const pages = destinations.filter(({ needs }) => !needs || scopes.includes(needs))
  const hrefs = [...pages.map(({ href }) => href), '/profile']
  const [hasSingleKeys, setSingleKeys] = useSingleKeys()
  const pageKeys = useContext(PageKeysContext)
  const mayAsk = hrefs.includes('/assistant')
  const toggleAssistant = () => {
    const field = document.querySelector<HTMLElement>(
      isHere(path, '/assistant') ? '#content form textarea' : '#assistant textarea',
    )
    if (field && !field.closest('#assistant')?.contains(document.activeElement)) return field.focus()
    if (mayAsk) onAssistant(assistant ? undefined : newEarly())
  }
  const isGoing = useShortcuts({
    hasSingleKeys,
    onPalette: () => onOpen('palette'),
    onAssistant: toggleAssistant,
    onHelp: () => onOpen('keys'),
    onGo: href => hrefs.includes(href) && navigate(href),
    ofPage: key => findPageKey(pageKeys?.current, key),
  })
  useEffect(() => {
    // If preloading fails, it is loaded when opened.
    const timer = setTimeout(() => void loadPalette().catch(() => undefined), paletteAfterMs)
    return () => clearTimeout(timer)
  }, [])
  const toast = useToast()
  const signOut = useSignOut()
  const onError = (error: Error) => toast({ tone: 'bad', title: 'You are still signed in', detail: error.message })
  const doers: PaletteDoers = {
    go: navigate,
    setTheme,
    showKeys: () => onOpen('keys'),
    askAssistant: mayAsk ? toggleAssistant : undefined,
    signOut: () => signOut.mutate(undefined, { onError }),
  }
  const close = () => onOpen(undefined)
  return (
    <>
      <p role="status" className={isGoing ? pill : 'sr-only'}>
        {isGoing && 'Go to: press the letter of a page (? lists them).'}
      </p>
      {opened === 'palette' && <OpenedPalette pages={pages} doers={doers} onClose={close} />}
      {opened === 'keys' && (
        <Suspense>
          <KeysDialog pages={hrefs} hasSingleKeys={hasSingleKeys} onSingleKeys={setSingleKeys} onClose={close} />
        </Suspense>
      )}
    </>
  )
}

/** The palette; takes over what was typed while it was loading. */
function OpenedPalette(props: { pages: typeof destinations; doers: PaletteDoers; onClose(): void }) {
  const [early] = useState(newEarly)
  return (
    <Suspense fallback={<EarlyPalette early={early} onClose={props.onClose} />}>
      <Palette {...props} early={early} />
    </Suspense>
  )
}

const pill =
  'fixed bottom-20 left-1/2 z-40 -translate-x-1/2 rounded-full border bg-raised px-4 py-1.5 text-sm shadow-float md:bottom-4'
