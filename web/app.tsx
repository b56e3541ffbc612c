/** Which page stands at which address, and who may see it. Pages are loaded when they are first opened. */
import { lazy, Suspense } from 'react'
import { Route, Switch, useLocation } from 'wouter'
import { useSessionQuery } from './platform/session.ts'
import { useTheme } from './platform/theme.ts'
import { EntranceSkeleton } from './shell/entrance.tsx'
import { NotFoundPage } from './shell/not-found-page.tsx'
import { PageBoundary } from './shell/page-boundary.tsx'
import { PageSkeleton } from './shell/page-skeleton.tsx'
import { SetupPage } from './shell/setup-page.tsx'
import { Shell } from './shell/shell.tsx'
import { ServerSilentPage, SignedOutPage } from './shell/signed-out-page.tsx'

const OverviewPage = lazy(async () => ({ default: (await import('./overview/overview-page.tsx')).OverviewPage }))
const MailPage = lazy(async () => ({ default: (await import('./mail/mail-page.tsx')).MailPage }))
const ClientsPage = lazy(async () => ({ default: (await import('./clients/clients-page.tsx')).ClientsPage }))
const AccountsPage = lazy(async () => ({ default: (await import('./accounts/accounts-page.tsx')).AccountsPage }))
const AssistantPage = lazy(async () => ({ default: (await import('./assistant/assistant-page.tsx')).AssistantPage }))
const ConfigurationPage = lazy(async () => ({
  default: (await import('./settings/configuration-page.tsx')).ConfigurationPage,
}))
const SystemPage = lazy(async () => ({ default: (await import('./system/system-page.tsx')).SystemPage }))

export function App() {
  const theme = useTheme()
  const [path] = useLocation()
  const isSetup = path === '/setup'
  const session = useSessionQuery(!isSetup)
  if (isSetup) return <SetupPage />
  if (session.data === null) return <SignedOutPage />
  if (session.data === undefined && session.error) {
    return <ServerSilentPage error={session.error} onRetry={() => void session.refetch()} />
  }
  if (session.data === undefined) return <EntranceSkeleton />
  return (
    <Shell theme={theme}>
      <PageBoundary key={path.split('/')[1]}>
        <Suspense fallback={<PageSkeleton />}>
          <Switch>
            <Route path="/" component={OverviewPage} />
            <Route path="/mail" component={MailPage} />
            <Route path="/clients" component={ClientsPage} />
            <Route path="/accounts" component={AccountsPage} />
            <Route path="/assistant" component={AssistantPage} />
            <Route path="/configuration" component={ConfigurationPage} />
            <Route path="/system" component={SystemPage} />
            <Route component={NotFoundPage} />
          </Switch>
        </Suspense>
      </PageBoundary>
    </Shell>
  )
}
