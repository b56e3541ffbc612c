/** The head of search results: where it searched, facets to narrow it down, and what was not searched. */
import { useLocation } from 'wouter'
import type { SearchCoverage, SearchFacets } from '../../contract/mail-search.ts'
import { formatNumber } from '../platform/format.ts'
import { visibleText } from '../platform/visible-text.ts'
import { ToneIcon } from '../ui/badge.tsx'
import { classNames } from '../ui/class-names.ts'
import { termOf, withTerm } from './search-terms.ts'
import type { useMailView } from './use-mail-view.ts'
import { type MailSearch, type SearchScope, scopes } from './use-search.ts'

interface HeadProps {
  search: MailSearch
  at: ReturnType<typeof useMailView>
  folderName: string
  hasSeveralAccounts: boolean
  facets: SearchFacets | null | undefined
  coverage: readonly SearchCoverage[] | undefined
  nameOfAccount(id: string): string
}

export function SearchHead({ search, at, folderName, hasSeveralAccounts, facets, coverage, nameOfAccount }: HeadProps) {
  const [, navigate] = useLocation()
  const words: Record<SearchScope, string> = { folder: folderName, account: 'All folders', all: 'All accounts' }
  const offered = scopes.filter(scope => scope !== 'all' || hasSeveralAccounts)
  const isByDate = search.sort === 'date'
  return (
    <div className="grid grid-cols-1 gap-1.5 pt-1.5">
      <div className="flex flex-wrap items-center gap-x-2 gap-y-1">
        <fieldset className="flex min-w-0 rounded-md border p-px">
          <legend className="sr-only">Search in</legend>
          {offered.map(scope => (
            <button
              key={scope}
              type="button"
              aria-pressed={scope === search.scope}
              onClick={() => navigate(at.hrefTo({ scope, message: '' }), { replace: true })}
              className={classNames(
                'min-h-6 min-w-0 truncate rounded-sm px-2 text-xs font-medium max-md:min-h-8',
                scope === search.scope ? 'bg-sunken text-ink' : 'text-muted hover:text-ink',
              )}
            >
              {words[scope]}
            </button>
          ))}
        </fieldset>
        <button
          type="button"
          onClick={() => navigate(at.hrefTo({ sort: isByDate ? 'relevance' : '', message: '' }), { replace: true })}
          className="ml-auto min-h-6 rounded-sm px-1 text-xs font-medium text-accent hover:underline max-md:min-h-8"
        >
          {isByDate ? 'Best first' : 'Newest first'}
        </button>
      </div>
      {facets && <Facets facets={facets} search={search} at={at} nameOfAccount={nameOfAccount} />}
      {coverage?.some(({ is_complete: isComplete }) => !isComplete) && !search.isTyping && (
        <LeftOut coverage={coverage} nameOfAccount={nameOfAccount} />
      )}
    </div>
  )
}

function Facets({
  facets: { folders, senders, years, counted, is_complete: isComplete },
  search: { q, scope, search },
  at,
  nameOfAccount,
}: Pick<HeadProps, 'search' | 'at' | 'nameOfAccount'> & { facets: SearchFacets }) {
  const [, navigate] = useLocation()
  // Other accounts may have folders of the same name.
  const chooseFolder = ({ next, account = '' }: FacetChoice) =>
    scope === 'all' ? navigate(at.hrefTo({ account, scope: 'account', q: next, message: '' })) : search(next)
  const choose = ({ next }: FacetChoice) => search(next)
  const yearTerms = (year: number) => withTerm(withTerm(q, `after:${year}-01-01`), `before:${year + 1}-01-01`)
  const ofFolder = folders.map(({ account_id: account, path, count }) => ({
    label: scope === 'all' ? `${visibleText(path)}, ${nameOfAccount(account)}` : visibleText(path),
    count,
    next: withTerm(q, termOf('in', path)),
    account,
  }))
  const ofSender = senders.map(({ email, name, count }) => ({
    label: visibleText(name ? `${name} <${email}>` : email),
    count,
    next: withTerm(q, termOf('from', email)),
  }))
  const ofYear = years.map(({ year, count }) => ({ label: String(year), count, next: yearTerms(year) }))
  return (
    <>
      <div className="flex gap-1">
        <Facet label="Folder" choices={ofFolder} onChoose={chooseFolder} />
        <Facet label="Sender" choices={ofSender} onChoose={choose} />
        <Facet label="Year" choices={ofYear} onChoose={choose} />
      </div>
      {!isComplete && counted > 0 && (
        <p className="text-xs text-muted">{`These figures count ${formatNumber(counted)} of the messages found.`}</p>
      )}
    </>
  )
}

interface FacetChoice {
  label: string
  count: number
  /** The search narrowed to this value. */
  next: string
  /** The account of the folder. */
  account?: string
}

/** A facet as a native select, which works on every screen and with every input method. */
function Facet({
  label,
  choices,
  onChoose,
}: {
  label: string
  choices: readonly FacetChoice[]
  onChoose(choice: FacetChoice): void
}) {
  if (choices.length < 2) return null
  return (
    <select
      aria-label={`Narrow by ${label.toLowerCase()}`}
      value=""
      onChange={event => onChoose(choices[Number(event.target.value)]!)}
      className="min-h-7 min-w-0 flex-1 rounded-md border bg-surface px-1.5 text-xs text-soft max-md:min-h-8"
    >
      <option value="">
        {label} ({choices.length})
      </option>
      {choices.map((choice, index) => (
        <option key={choice.next + choice.label} value={index}>
          {`${choice.label} (${formatNumber(choice.count)})`}
        </option>
      ))}
    </select>
  )
}

/** Mail that may contain more matches, and why it was not searched. */
function LeftOut({
  coverage,
  nameOfAccount,
}: { coverage: readonly SearchCoverage[] } & Pick<HeadProps, 'nameOfAccount'>) {
  const lines = coverage.flatMap(({ account_id: account, omissions, unknown_folders: unknown }) => [
    ...omissions.map(({ detail }) => ({ account, detail })),
    ...unknown.map(folder => ({ account, detail: `There is no folder ${visibleText(folder)}.` })),
  ])
  if (lines.length === 0) return null
  const isOne = coverage.length === 1
  return (
    <details className="text-xs text-soft">
      <summary className="flex cursor-pointer items-center gap-1.5">
        <ToneIcon tone="warn" />
        Not all mail was searched
      </summary>
      <ul className="grid gap-0.5 pt-1 pl-5">
        {lines.map(({ account, detail }) => (
          <li key={account + detail}>
            {!isOne && <bdi className="font-medium">{nameOfAccount(account)}: </bdi>}
            {detail}
          </li>
        ))}
      </ul>
    </details>
  )
}
