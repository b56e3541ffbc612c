/** Filters of the table of tokens. */
import type { ApiToken } from '../../contract/tokens.ts'
import { Input, Select } from '../ui/field.tsx'
import { tokenStatusWords } from './token-status.ts'

export interface TokensView {
  q: string
  status: string
}

export function TokensFilter({
  view,
  setView,
}: {
  view: TokensView
  setView(change: Partial<TokensView>, options: { replace: boolean }): void
}) {
  return (
    <search className="mb-3 flex flex-wrap gap-2">
      <span className="min-w-48 flex-1 max-sm:basis-full">
        <Input
          type="search"
          aria-label="Name, prefix or user"
          placeholder="Name, prefix or user"
          maxLength={200}
          value={view.q}
          onChange={event => setView({ q: event.target.value }, { replace: true })}
        />
      </span>
      <span className="w-36 flex-auto sm:flex-none">
        <Select
          aria-label="Status"
          value={view.status}
          onChange={event => setView({ status: event.target.value }, { replace: true })}
        >
          <option value="">Any status</option>
          {Object.entries(tokenStatusWords).map(([status, { text }]) => (
            <option key={status} value={status}>
              {text}
            </option>
          ))}
        </Select>
      </span>
    </search>
  )
}

/** Returns the tokens whose name, prefix, user or OAuth client contains the text, and that have the status. */
export function filterTokens(tokens: readonly ApiToken[], { q, status }: TokensView): ApiToken[] {
  const sought = q.trim().toLowerCase()
  return tokens.filter(token => {
    const { name, prefix, user_name: owner, oauth_client: client } = token
    const words = [name, prefix, owner, client?.name ?? '', client?.host ?? '']
    return (status === '' || token.status === status) && words.some(word => word.toLowerCase().includes(sought))
  })
}
