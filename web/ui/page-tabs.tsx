/** Tabs of pages that belong together, each with its own address. */
import { Link, useLocation } from 'wouter'
import { classNames } from './class-names.ts'

interface PageTab {
  href: string
  label: string
}

/** @param label Name of the group for screen readers. */
export function PageTabs({ label: name, tabs }: { label: string; tabs: readonly PageTab[] }) {
  const [path] = useLocation()
  return (
    <nav aria-label={name} className="mb-4 flex gap-1 overflow-x-auto border-b">
      {tabs.map(({ href, label }) => {
        const isHere = path === href
        return (
          <Link
            key={href}
            href={href}
            aria-current={isHere ? 'page' : undefined}
            className={classNames(
              '-mb-px flex min-h-11 items-center border-b-2 px-3 text-sm font-medium whitespace-nowrap focus-visible:-outline-offset-2 md:min-h-9',
              isHere ? 'border-accent-fill text-accent' : 'border-transparent text-soft hover:text-ink',
            )}
          >
            {label}
          </Link>
        )
      })}
    </nav>
  )
}

const programTabs: readonly PageTab[] = [
  { href: '/tokens', label: 'Tokens' },
  { href: '/tokens/webhooks', label: 'Webhooks' },
]
const agentTabs: readonly PageTab[] = [
  { href: '/agents', label: 'Calls and clients' },
  { href: '/agents/playground', label: 'Playground' },
]
const configurationTabs: readonly PageTab[] = [
  { href: '/configuration', label: 'Server' },
  { href: '/settings/assistant', label: 'Assistant' },
]

export const TokensTabs = () => <PageTabs label="Pages about tokens" tabs={programTabs} />
export const AgentsTabs = () => <PageTabs label="Pages about agents" tabs={agentTabs} />
export const ConfigurationTabs = () => <PageTabs label="Pages of the configuration" tabs={configurationTabs} />
