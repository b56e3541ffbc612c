/** One log line in full, with links to related ones. */
import type { LogLine } from '../../contract/logs.ts'
import { formatDateTime } from '../platform/format.ts'
import { Button } from '../ui/button.tsx'
import { CopyButton } from '../ui/copy-button.tsx'
import type { LogView } from './log-view.ts'

export function LogDetails({ line, onFilter }: { line: LogLine; onFilter(change: Partial<LogView>): void }) {
  const { account_id: account, request_id: request, fields, error } = line
  const facts = [
    ['time', `${line.at} (${formatDateTime(Date.parse(line.at))})`],
    ...(account === null ? [] : [['account', account]]),
    ...(request === null ? [] : [['request', request]]),
    ...Object.entries(fields),
  ]
  return (
    <div className="grid gap-2 bg-sunken/50 px-4 py-3 text-xs">
      <dl className="grid grid-cols-[auto_1fr] gap-x-4 gap-y-0.5">
        {facts.map(([name, value]) => (
          <div key={name} className="contents">
            <dt className="text-muted">{name}</dt>
            <dd className="min-w-0 font-mono break-words">{value}</dd>
          </div>
        ))}
      </dl>
      {error && (
        <pre className="max-h-80 overflow-auto rounded-md border bg-surface p-2 font-mono whitespace-pre-wrap break-words">
          {error.stack.startsWith(error.type) ? error.stack : `${error.type}: ${error.message}\n${error.stack}`}
        </pre>
      )}
      <div className="flex flex-wrap items-center gap-2">
        {request !== null && (
          <Button size="sm" onClick={() => onFilter({ request })}>
            All of this request
          </Button>
        )}
        {account !== null && (
          <Button size="sm" onClick={() => onFilter({ account })}>
            All of this account
          </Button>
        )}
        <CopyButton text={JSON.stringify(line)} label="Copy this line" />
      </div>
    </div>
  )
}
