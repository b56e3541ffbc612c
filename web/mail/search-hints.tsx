/** What is shown in place of messages when a search found none, or could not be read. */
import { Search } from 'lucide-react'
import { Button } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'

const examples = [
  '"annual report"',
  'from:anna',
  'to:bob',
  'subject:plan',
  'in:sent',
  'is:unread',
  'after:2026-01-31',
  'larger:5M',
  '-newsletter',
]

export function NothingFound({ onClear }: { onClear(): void }) {
  return (
    <EmptyState icon={Search} title="Nothing found" actions={<Button onClick={onClear}>Show all messages</Button>}>
      Every word must be in the message: in its subject, its text, or the names and addresses.
    </EmptyState>
  )
}

export function HowToSearch() {
  return (
    <EmptyState icon={Search} title="Nothing was searched">
      <p>Type words, or narrow the search:</p>
      <ul className="mt-2 flex flex-wrap justify-center gap-1.5">
        {examples.map(example => (
          <li key={example}>
            <code className="rounded-sm bg-sunken px-1.5 py-0.5 text-xs">{example}</code>
          </li>
        ))}
      </ul>
    </EmptyState>
  )
}
