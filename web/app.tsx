/** Maps addresses to pages and checks who may see them. Pages are loaded when they are first opened. */
import { Suspense, useEffect } from 'react'
import { Redirect, Route, Router, Switch, useLocation, useSearch } from 'wouter'
import type { SessionView } from '../contract/access.ts'
import { lazyPage } from './platform/lazy-page.ts'
import { SessionProvider, useForgetting, useSessionQuery } from './platform/session.ts'
import { type ThemeChoice, useTheme } from './platform/theme.ts'
import { askBeforeLeaving } from './platform/unsaved.ts'
import { useOpenedByNotification } from './push/push-follower.tsx'
import { AlarmProvider } from './shell/alarm.tsx'
import { EntranceSkeleton } from './shell/entrance.tsx'
import { ForbiddenPage } from './shell/forbidden-page.tsx'
import { mayOpen, placeAt } from './shell/navigation.ts'
import { NotFoundPage } from './shell/not-found-page.tsx'
import { PageBoundary } from './shell/page-boundary.tsx'
import { PageSkeleton } from './shell/page-skeleton.tsx'
import { ServerSilentPage } from './shell/server-silent-page.tsx'
import { Shell } from './shell/shell.tsx'

const SignInPage = lazyPage(async () => (await import('./access/sign-in-page.tsx')).SignInPage)
const SetupPage = lazyPage(async () => (await import('./access/setup-page.tsx')).SetupPage)
const InvitationPage = lazyPage(async () => (await import('./access/invitation-page.tsx')).InvitationPage)

const ConnectPage = lazyPage(async () => (await import('./connect/connect-page.tsx')).ConnectPage)

const OverviewPage = lazyPage(async () => (await import('./overview/overview-page.tsx')).OverviewPage)
const MailPage = lazyPage(async () => (await import('./mail/mail-page.tsx')).MailPage)
const ApprovalsPage = lazyPage(async () => (await import('./approvals/approvals-page.tsx')).ApprovalsPage)
const OutboxPage = lazyPage(async () => (await import('./outbox/outbox-page.tsx')).OutboxPage)
const AgentsPage = lazyPage(async () => (await import('./agents/agents-page.tsx')).AgentsPage)
const AnalyticsPage = lazyPage(async () => (await import('./analytics/analytics-page.tsx')).AnalyticsPage)
const AlertsPage = lazyPage(async () => (await import('./alerts/alerts-page.tsx')).AlertsPage)
const NotifiersPage = lazyPage(async () => (await import('./notifiers/notifiers-page.tsx')).NotifiersPage)
const RulePage = lazyPage(async () => (await import('./alerts/rule-page.tsx')).RulePage)
const ClientsPage = lazyPage(async () => (await import('./clients/clients-page.tsx')).ClientsPage)
const AccountsPage = lazyPage(async () => (await import('./accounts/accounts-page.tsx')).AccountsPage)
const AccountPage = lazyPage(async () => (await import('./accounts/account-page.tsx')).AccountPage)
const DiagnosePage = lazyPage(async () => (await import('./accounts/diagnose-page.tsx')).DiagnosePage)
const AssistantPage = lazyPage(async () => (await import('./assistant/assistant-page.tsx')).AssistantPage)
const AssistantSettingsPage = lazyPage(
  async () => (await import('./assistant-settings/assistant-settings-page.tsx')).AssistantSettingsPage,
)
const ConfigurationPage = lazyPage(async () => (await import('./settings/configuration-page.tsx')).ConfigurationPage)
const SystemPage = lazyPage(async () => (await import('./system/system-page.tsx')).SystemPage)
const LogsPage = lazyPage(async () => (await import('./logs/logs-page.tsx')).LogsPage)
const UsersPage = lazyPage(async () => (await import('./users/users-page.tsx')).UsersPage)
const TokensPage = lazyPage(async () => (await import('./tokens/tokens-page.tsx')).TokensPage)
const WebhooksPage = lazyPage(async () => (await import('./webhooks/webhooks-page.tsx')).WebhooksPage)
const SessionsPage = lazyPage(async () => (await import('./sessions/sessions-page.tsx')).SessionsPage)
const ChangesPage = lazyPage(async () => (await import('./changes/changes-page.tsx')).ChangesPage)
const AuditPage = lazyPage(async () => (await import('./audit/audit-page.tsx')).AuditPage)
const ProfilePage = lazyPage(async () => (await import('./profile/profile-page.tsx')).ProfilePage)

export function App() {
  const theme = useTheme()
  useOpenedByNotification()
  return (
    <PageBoundary>
      <Suspense fallback={<EntranceSkeleton />}>
        <Switch>
          <Route path="/setup" component={SetupPage} />
          <Route path="/invitation" component={InvitationPage} />
          <Route>
            <Inside theme={theme} />
          </Route>
        </Switch>
      </Suspense>
    </PageBoundary>
  )
}

type Theme = [ThemeChoice, (choice: ThemeChoice) => void]

/** Shows the sign-in page at every address to anonymous visitors, and then the page they came for. */
function Inside({ theme }: { theme: Theme }) {
  const session = useSessionQuery()
  if (session.data === null) return <SignInPage />
  if (session.data === undefined && session.error) {
    return <ServerSilentPage error={session.error} onRetry={() => void session.refetch()} />
  }
  if (session.data === undefined) return <EntranceSkeleton />
  // Keyed by user, so that nothing of the previous one stays on the page.
  return (
    <SessionProvider key={session.data.principal.id} value={session.data}>
      <Switch>
        <Route path="/connect/:id" component={ConnectPage} />
        <Route>
          <Pages session={session.data} theme={theme} />
        </Route>
      </Switch>
    </SessionProvider>
  )
}

function Pages({ session, theme }: { session: SessionView; theme: Theme }) {
  useForgetting()
  const [path] = useLocation()
  const isForbidden = !mayOpen(path, session.principal.scopes)
  return (
    <Router aroundNav={askBeforeLeaving}>
      <AlarmProvider>
        <Shell theme={theme}>
          <PageBoundary key={path.split('/')[1]}>
            <Suspense fallback={<PageSkeleton />}>
              {isForbidden ? <ForbiddenPage label={placeAt(path)?.label ?? ''} /> : <PageSwitch />}
            </Suspense>
          </PageBoundary>
        </Shell>
      </AlarmProvider>
    </Router>
  )
}

/** Handles a sign-in that was requested from the API documentation, which is not one of our routes. */
function WayBack() {
  const isToDocs = new URLSearchParams(useSearch()).get('return') === 'docs'
  useEffect(() => {
    if (isToDocs) location.replace('/docs')
  }, [isToDocs])
  return isToDocs ? <PageSkeleton /> : <Redirect to="/" replace />
}

function PageSwitch() {
  return (
    <Switch>
      <Route path="/" component={OverviewPage} />
      <Route path="/mail" component={MailPage} />
      <Route path="/approvals" component={ApprovalsPage} />
      <Route path="/outbox" component={OutboxPage} />
      <Route path="/agents" component={AgentsPage} />
      <Route path="/agents/playground" component={AgentsPage} />
      <Route path="/analytics" component={AnalyticsPage} />
      <Route path="/alerts" component={AlertsPage} />
      <Route path="/alerts/notifiers" component={NotifiersPage} />
      <Route path="/alerts/log" component={AlertsPage} />
      <Route path="/alerts/rules" component={AlertsPage} />
      <Route path="/alerts/rules/:id" component={RulePage} />
      <Route path="/clients" component={ClientsPage} />
      <Route path="/accounts" component={AccountsPage} />
      <Route path="/accounts/:id" component={AccountPage} />
      <Route path="/accounts/:id/diagnose" component={DiagnosePage} />
      <Route path="/assistant/:conversation?" component={AssistantPage} />
      <Route path="/settings/assistant" component={AssistantSettingsPage} />
      <Route path="/configuration" component={ConfigurationPage} />
      <Route path="/system" component={SystemPage} />
      <Route path="/logs" component={LogsPage} />
      <Route path="/users" component={UsersPage} />
      <Route path="/tokens" component={TokensPage} />
      <Route path="/tokens/webhooks" component={WebhooksPage} />
      <Route path="/sessions" component={SessionsPage} />
      <Route path="/changes" component={ChangesPage} />
      <Route path="/audit" component={AuditPage} />
      <Route path="/profile" component={ProfilePage} />
      <Route path="/sign-in" component={WayBack} />
      <Route component={NotFoundPage} />
    </Switch>
  )
}
