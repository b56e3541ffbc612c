/** Derives from the address what the user is looking at, and suggests questions about it. */
import type { ChatbotQuery } from '../../contract/answers.ts'

export type PageContext = NonNullable<ChatbotQuery['context']>

const longestPath = 500
const longestId = 200

/** @param path Includes the query. */
export function pageContextOf(pathname: string, search: string): PageContext {
  const query = new URLSearchParams(search)
  const whole = query.size > 0 ? `${pathname}?${query}` : pathname
  const [draftAccount, draft] = (query.get('compose') ?? '').split('.')
  const isMail = pathname === '/mail'
  const message = isMail ? query.get('message') : null
  const account = accountIn(pathname) ?? (isMail ? (message && query.get('of')) || query.get('account') : null)
  const ids = {
    account_id: (draft && draftAccount) || account,
    message_id: message,
    thread_id: message && query.get('thread'),
    draft_id: draft,
  }
  const known = Object.entries(ids).filter(([, id]) => id && id.length <= longestId)
  return { path: (whole.length > longestPath ? pathname : whole).slice(0, longestPath), ...Object.fromEntries(known) }
}

function accountIn(pathname: string): string | undefined {
  return /^\/accounts\/([^/]+)/.exec(pathname)?.[1]
}

/** Returns the label of the context chip. */
export function wordsOfContext(
  { thread_id, message_id, draft_id, account_id, path }: PageContext,
  page: string,
): string {
  if (draft_id) return 'The open draft'
  if (thread_id) return 'The open thread'
  if (message_id) return 'The open message'
  if (account_id && accountIn(path)) return 'This account'
  return `Page: ${page}`
}

const everywhere: readonly string[] = ['What needs my attention now?', 'What did programs do since yesterday?']

const byPage: Readonly<Record<string, readonly string[]>> = {
  '/': ['Is anything wrong, and since when?', 'Why did response times change today?', 'What happened since yesterday?'],
  '/mail': ['What came in today that needs an answer?', 'Which unread messages can wait?'],
  '/approvals': ['What waits for me, and what would it send?', 'Is anything here unusual?'],
  '/outbox': ['What was not delivered, and why?', 'What was sent today?'],
  '/changes': ['What did programs change since yesterday?'],
  '/agents': ['What did each agent do last night?', 'Which agent failed most, and why?'],
  '/analytics': ['What changed in these figures today?', 'Why is response time high?'],
  '/alerts': ['Why did the last alert fire?', 'Which alerts come again and again?'],
  '/clients': ['Which clients are unusual?', 'Who uses this server most?'],
  '/accounts': ['Which account is slow, and why?', 'Which account has trouble now?'],
  '/tokens': ['What did my tokens do last night?', 'Which tokens are not used any more?'],
  '/audit': ['Who changed something today?', 'What was refused since yesterday?'],
}

/** Returns suggested questions for the page; a click asks one. */
export function suggestionsFor({ path, thread_id, message_id, draft_id }: PageContext): readonly string[] {
  if (draft_id) return ['Make this draft shorter and clearer', 'What is missing in this draft?']
  if (thread_id) return ['Summarise this thread', 'Draft a reply', 'What is asked of me here?']
  if (message_id) return ['Summarise this message', 'Draft a reply', 'What is asked of me here?']
  const [pathname = '/'] = path.split('?')
  if (accountIn(pathname)) return ['Why is this account slow?', 'What happened to this account today?']
  const page = Object.keys(byPage).find(each => each !== '/' && (pathname === each || pathname.startsWith(`${each}/`)))
  return (page === undefined ? undefined : byPage[page]) ?? (pathname === '/' ? byPage['/'] : undefined) ?? everywhere
}
