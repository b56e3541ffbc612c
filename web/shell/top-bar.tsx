/** The top bar: connection state, sandbox badge, colour scheme, and the signed-in user. */
import { Monitor, Moon, Search, Sun } from 'lucide-react'
import { StopButton } from '../freeze/stop-button.tsx'
import { useSession } from '../platform/session.ts'
import type { ThemeChoice } from '../platform/theme.ts'
import { Badge } from '../ui/badge.tsx'
import { IconButton } from '../ui/icon-button.tsx'
import { AccountMenu } from './account-menu.tsx'
import { Brand } from './brand.tsx'
import { LiveBadge } from './live-badge.tsx'
import { paletteKeys } from './palette-keys.ts'

const themes: Record<ThemeChoice, { next: ThemeChoice; label: string; icon: typeof Sun }> = {
  system: { next: 'light', label: 'Colours: system. Switch to light', icon: Monitor },
  light: { next: 'dark', label: 'Colours: light. Switch to dark', icon: Sun },
  dark: { next: 'system', label: 'Colours: dark. Switch to system', icon: Moon },
}

export function TopBar({
  theme: [choice, setChoice],
  onPalette,
  onStop,
}: {
  theme: [ThemeChoice, (choice: ThemeChoice) => void]
  onPalette(): void
  onStop(): void
}) {
  const { server } = useSession()
  const { next, label, icon } = themes[choice]
  return (
    <header className="sticky top-0 z-20 flex h-bar items-center gap-2 border-b bg-surface px-4 lg:px-6">
      <span className="flex max-sm:[&_span>span]:sr-only md:hidden">
        <Brand />
      </span>
      {(server.demo || server.sandbox_running) && <Badge tone="warn">Sandbox</Badge>}
      <div className="ml-auto flex items-center gap-1">
        <StopButton onAsk={onStop} />
        <LiveBadge />
        <IconButton
          icon={Search}
          label={`Go anywhere (${paletteKeys})`}
          className="max-sm:hidden"
          onClick={onPalette}
        />
        <IconButton icon={icon} label={label} onClick={() => setChoice(next)} />
        <AccountMenu />
      </div>
    </header>
  )
}
