/** Filters of the list of clients. */
import { Search } from 'lucide-react'
import { Select } from '../ui/field.tsx'
import { RestingInput } from '../ui/resting-input.tsx'
import type { ClientsView } from './use-clients.ts'

type SetView = (change: Partial<ClientsView>, options?: { replace?: boolean }) => void

export function ClientsFilter({ view, setView }: { view: ClientsView; setView: SetView }) {
  return (
    <search className="mb-3 flex flex-wrap gap-2">
      <TextFilter text={view.filter} setView={setView} />
      <span className="w-36 flex-auto sm:flex-none">
        <Select
          aria-label="Kind"
          value={view.kind}
          onChange={event => setView({ kind: event.target.value, page: '1' })}
        >
          <option value="">All kinds</option>
          <option value="browser">Browsers</option>
          <option value="api">API</option>
          <option value="mcp">MCP</option>
        </Select>
      </span>
      <span className="w-36 flex-auto sm:flex-none">
        <Select
          aria-label="Status"
          value={view.status}
          onChange={event => setView({ status: event.target.value, page: '1' })}
        >
          <option value="">Any status</option>
          <option value="active">Active</option>
          <option value="idle">Idle</option>
        </Select>
      </span>
    </search>
  )
}

function TextFilter({ text, setView }: { text: string; setView: SetView }) {
  return (
    <span className="relative block min-w-48 flex-1">
      <Search
        className="pointer-events-none absolute top-1/2 left-2.5 size-4 -translate-y-1/2 text-muted"
        aria-hidden="true"
      />
      <RestingInput
        text={text}
        aria-label="Address or agent"
        placeholder="Address or agent"
        className="pl-8"
        maxLength={200}
        onRest={filter => setView({ filter, page: '1' }, { replace: true })}
      />
    </span>
  )
}
