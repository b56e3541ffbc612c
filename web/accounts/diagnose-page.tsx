/** The diagnosis of an account: tests its servers step by step while the page is open. */
import { ArrowLeft, Download, KeyRound, Pencil, RotateCw, Stethoscope } from 'lucide-react'
import { useState } from 'react'
import { Link, useParams } from 'wouter'
import { Button } from '../ui/button.tsx'
import { Card } from '../ui/card.tsx'
import { ErrorNote, ErrorState } from '../ui/error-state.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import { RelativeTime } from '../ui/relative-time.tsx'
import { SkeletonRows } from '../ui/skeleton.tsx'
import { DiagnosisView } from './diagnosis-view.tsx'
import { EditAccountDialog } from './edit-account-dialog.tsx'
import { useAccounts, useRights } from './use-accounts.ts'
import { useDiagnosis } from './use-diagnosis.ts'

export function DiagnosePage() {
  const { id } = useParams<{ id: string }>()
  const account = useAccounts().data?.items.find(each => each.id === id)
  const { mayChange, mayVerify } = useRights()
  const [isEditing, setEditing] = useState(false)
  const { diagnosis, retry, report } = useDiagnosis(id)
  const { data, error, isFetching } = diagnosis
  const isBusy = isFetching || retry.isPending
  const isLeftOut = data?.checks.some(
    ({ id: check, state, words }) => check === 'login' && state === 'skipped' && /refused at/.test(words),
  )
  const words = data?.verdict
  // The login was rejected, so the password must be edited.
  const isRejected = account?.state === 'auth_failed' && account.auth.kind === 'password'
  return (
    <>
      <Link
        href={`/accounts/${id}`}
        className="mb-2 inline-flex items-center gap-1 rounded-sm text-sm text-soft hover:text-ink"
      >
        <ArrowLeft className="size-4 shrink-0" aria-hidden="true" />
        <span className="min-w-0 wrap-anywhere">{account?.name ?? 'The account'}</span>
      </Link>
      <PageHeader
        title="Diagnosis"
        windowTitle={account ? `Diagnosis of ${account.name}` : 'Diagnosis'}
        description={data ? <RelativeTime at={data.made_at} /> : 'Tests the servers of this account step by step.'}
        actions={
          <>
            <Button size="sm" icon={RotateCw} isBusy={isBusy} onClick={() => void diagnosis.refetch()}>
              {isBusy ? 'Testing' : 'Run again'}
            </Button>
            {mayChange && isRejected && (
              <Button size="sm" variant="primary" icon={Pencil} onClick={() => setEditing(true)}>
                Edit the account
              </Button>
            )}
            {mayVerify && isLeftOut && (
              <Button size="sm" icon={KeyRound} isBusy={retry.isPending} onClick={() => retry.mutate()}>
                Try the {account?.auth.kind === 'oauth' ? 'access token' : 'password'} again
              </Button>
            )}
            {data && (
              <Button size="sm" icon={Download} isBusy={report.isPending} onClick={() => report.mutate()}>
                Download report
              </Button>
            )}
          </>
        }
      />
      {isEditing && account && <EditAccountDialog account={account} onClose={() => setEditing(false)} />}
      <p role="status" className="sr-only">
        {isBusy ? 'Testing the servers' : words}
      </p>
      <div className="grid gap-4">
        {retry.error && <ErrorNote error={retry.error} />}
        {report.error && <ErrorNote error={report.error} />}
        {data && error && <ErrorNote error={error} />}
        {data && <DiagnosisView accountId={id} diagnosis={data} />}
        {data && <ReportNote />}
        {!data && error && !isFetching && (
          <Card>
            <ErrorState error={error} onRetry={() => void diagnosis.refetch()} />
          </Card>
        )}
        {!data && isFetching && (
          <Card title="Testing the servers" isFlush>
            <SkeletonRows count={8} />
          </Card>
        )}
      </div>
    </>
  )
}

function ReportNote() {
  return (
    <p className="flex items-start gap-2 text-xs text-muted">
      <Stethoscope className="mt-0.5 size-4 shrink-0" aria-hidden="true" />
      You can attach the report to a public bug report: names, addresses, private servers and folders are replaced.
      Still, read it before you publish it.
    </p>
  )
}
