/** What stands around every page: the rail, the top bar, and the banner in times of trouble. */
import { type ReactNode, useEffect, useState } from 'react'
import { useStream } from '../platform/live.tsx'
import type { ThemeChoice } from '../platform/theme.ts'
import { NavRail } from './nav-rail.tsx'
import { type Opened, Shortcuts } from './shortcuts.tsx'
import { TopBar } from './top-bar.tsx'
import { TroubleBanner } from './trouble-banner.tsx'

export function Shell({
  theme,
  children,
}: {
  theme: [ThemeChoice, (choice: ThemeChoice) => void]
  children: ReactNode
}) {
  const stream = useStream()
  const [opened, setOpened] = useState<Opened>()
  useEffect(() => stream.open(), [stream])
  return (
    <div className="flex min-h-dvh max-md:flex-col">
      <a
        href="#content"
        className="sr-only rounded-md bg-accent-fill px-3 py-2 text-on-fill focus:not-sr-only focus:fixed focus:top-2 focus:left-2 focus:z-50"
      >
        Skip to the content
      </a>
      <NavRail />
      <div className="flex min-w-0 flex-1 flex-col">
        <TopBar theme={theme} onPalette={() => setOpened('palette')} />
        <TroubleBanner />
        <main id="content" tabIndex={-1} className="min-w-0 flex-1 p-4 outline-none max-md:pb-20 lg:p-6">
          <div className="mx-auto max-w-page">{children}</div>
        </main>
      </div>
      <Shortcuts opened={opened} onOpen={setOpened} setTheme={theme[1]} />
    </div>
  )
}
