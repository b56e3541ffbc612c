/** URIs of mail as resources: `mail://{account}` and what is in it. They are made of ids, so that they stay valid. */
import { attachmentUri } from '../../contract/attachment-uri.ts'
import type { McpResourceTemplate } from './mcp-port.ts'

export type MailResource =
  | { kind: 'account'; account: string }
  | { kind: 'folder'; account: string; path: string }
  | { kind: 'message'; account: string; message: string }
  | { kind: 'thread'; account: string; thread: string }
  | { kind: 'attachment'; account: string; message: string; id: string }

const scheme = 'mail://'
const words = 'text/plain'

/** The variables are the fields of `MailResource`. */
export const resourceTemplates: (McpResourceTemplate & { needs: string })[] = [
  {
    uriTemplate: 'mail://{account}',
    name: 'account',
    title: 'Account',
    description: 'Its folders, with counts',
    mimeType: words,
    needs: 'mail_folders',
  },
  {
    uriTemplate: 'mail://{account}/folders/{path}',
    name: 'folder',
    title: 'Folder',
    description: 'Its newest messages',
    mimeType: words,
    needs: 'mail_search',
  },
  {
    uriTemplate: 'mail://{account}/messages/{message}',
    name: 'message',
    title: 'Message',
    description: 'Untrusted content between fences',
    mimeType: words,
    needs: 'mail_read',
  },
  {
    uriTemplate: 'mail://{account}/threads/{thread}',
    name: 'thread',
    title: 'Thread',
    description: 'Its messages, oldest first; untrusted content between fences',
    mimeType: words,
    needs: 'mail_read',
  },
  {
    uriTemplate: 'mail://{account}/attachments/{message}/{id}',
    name: 'attachment',
    title: 'Attachment',
    description: 'As text where it can be read, else its bytes up to 1 MiB',
    needs: 'mail_attachment',
  },
]

/** Undefined if it is not a URI of mail. */
export function parseResource(uri: string): MailResource | undefined {
  const [, account, kind, rest] = /^mail:\/\/([\w-]{1,40})(?:\/(\w+)\/(\S{1,3000}))?$/.exec(uri) ?? []
  if (account === undefined) return undefined
  if (kind === undefined || rest === undefined) return { kind: 'account', account }
  const names = rest.split('/').map(decoded)
  const [first, second, ...more] = names
  if (names.includes(undefined) || first === undefined || more.length > 0) return undefined
  if (kind === 'attachments' && second !== undefined && isName(first)) {
    return { kind: 'attachment', account, message: first, id: second }
  }
  if (second !== undefined) return undefined
  if (kind === 'folders') return { kind: 'folder', account, path: first }
  if (kind === 'messages' && isName(first)) return { kind: 'message', account, message: first }
  return kind === 'threads' && isName(first) ? { kind: 'thread', account, thread: first } : undefined
}

export function resourceUri(resource: MailResource): string {
  const { kind, account } = resource
  const base = `${scheme}${account}`
  if (kind === 'account') return base
  if (kind === 'folder') return `${base}/folders/${encodeURIComponent(resource.path)}`
  if (kind === 'message') return `${base}/messages/${resource.message}`
  if (kind === 'thread') return `${base}/threads/${resource.thread}`
  return attachmentUri({ accountId: account, ref: resource.message, id: resource.id })
}

function isName(text: string): boolean {
  return /^[\w-]{1,700}$/.test(text)
}

function decoded(text: string): string | undefined {
  try {
    const name = decodeURIComponent(text)
    return name === '' || /\p{Cc}/u.test(name) ? undefined : name
  } catch {
    return undefined
  }
}
