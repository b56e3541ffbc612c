/** The items of the palette: pages, accounts and folders to open, and actions. */
import { useQueries } from '@tanstack/react-query'
import {
  AtSign,
  BookOpen,
  Bot,
  Folder as FolderIcon,
  Keyboard,
  LogOut,
  type LucideIcon,
  Monitor,
  Moon,
  Plus,
  Sun,
  UserRoundPen,
} from 'lucide-react'
import type { Account } from '../../contract/accounts.ts'
import { api } from '../../contract/index.ts'
import type { Folder } from '../../contract/mail.ts'
import { isReadable } from '../accounts/account-words.ts'
import { call } from '../platform/api-client.ts'
import { queryKeys } from '../platform/query-keys.ts'
import { useMay } from '../platform/session.ts'
import type { ThemeChoice } from '../platform/theme.ts'
import type { Destination } from '../shell/navigation.ts'
import type { PickerItem } from '../ui/picker.tsx'

export interface PaletteItem extends PickerItem {
  kind: 'Page' | 'Account' | 'Folder' | 'Action'
  act(): void
}

export interface PaletteDoers {
  go(href: string): void
  setTheme(choice: ThemeChoice): void
  showKeys(): void
  /** Opens the assistant; undefined for users who may not use it. */
  askAssistant: (() => void) | undefined
  signOut(): void
}

/** Maximum accounts whose folders are offered, because each costs its mail server a request. */
const mostAccounts = 5

export function usePaletteItems(pages: readonly Destination[], accounts: readonly Account[], doers: PaletteDoers) {
  const mayReadMail = useMay('mail:meta')
  const mayConnect = useMay('dashboard:admin')
  const maySeeAgents = useMay('dashboard:read')
  const mailboxes = mayReadMail ? accounts.filter(isReadable).slice(0, mostAccounts) : []
  const folders = useQueries({
    queries: mailboxes.map(({ id }) => ({
      queryKey: queryKeys.folders(id),
      queryFn: ({ signal }: { signal: AbortSignal }) =>
        call(api.mail.listFolders, { params: { account_id: id }, signal }),
      // Without folders, the rest is still offered.
      retry: false,
    })),
  })
  return [
    ...pages.map(page => pageItem(page, doers)),
    ...actionItems(doers, { mayConnect, maySeeAgents }),
    ...accounts.map(account => accountItem(account, doers, mayReadMail)),
    ...mailboxes.flatMap((account, index) =>
      (folders[index]?.data?.items ?? [])
        .filter(({ selectable }) => selectable)
        .map(folder => folderItem(account, folder, doers)),
    ),
  ]
}

function pageItem({ href, label, icon }: Destination, { go }: PaletteDoers): PaletteItem {
  return { id: `page-${href}`, kind: 'Page', name: label, detail: '', icon, act: () => go(href) }
}

/** Leads to the account's mail, or to the account for users who may not read it. */
function accountItem(account: Account, { go }: PaletteDoers, mayReadMail: boolean): PaletteItem {
  const { id, name, email } = account
  const isMail = mayReadMail && isReadable(account)
  const href = isMail ? `/mail?${new URLSearchParams({ account: id })}` : `/accounts/${id}`
  return { id: `account-${id}`, kind: 'Account', name, detail: email, icon: AtSign, act: () => go(href) }
}

function folderItem(account: Account, { path, name }: Folder, { go }: PaletteDoers): PaletteItem {
  const href = `/mail?${new URLSearchParams({ account: account.id, folder: path })}`
  const detail = path === name ? account.name : `${account.name}, ${path}`
  return { id: `folder-${account.id}-${path}`, kind: 'Folder', name, detail, icon: FolderIcon, act: () => go(href) }
}

function actionItems(
  { go, setTheme, showKeys, askAssistant, signOut }: PaletteDoers,
  { mayConnect, maySeeAgents }: { mayConnect: boolean; maySeeAgents: boolean },
): PaletteItem[] {
  const item = (name: string, icon: LucideIcon, act: () => void): PaletteItem => ({
    id: `action-${name}`,
    kind: 'Action',
    name,
    detail: '',
    icon,
    act,
  })
  return [
    ...(askAssistant ? [item('Ask the assistant about this page', Bot, askAssistant)] : []),
    item('Profile', UserRoundPen, () => go('/profile')),
    ...(mayConnect ? [item('Connect a mailbox', Plus, () => go('/accounts?connect=1'))] : []),
    ...(maySeeAgents ? [item('Open the MCP playground', Plus, () => go('/agents/playground'))] : []),
    item('Create a token', Plus, () => go('/tokens?create=1')),
    item('Light colours', Sun, () => setTheme('light')),
    item('Dark colours', Moon, () => setTheme('dark')),
    item('System colours', Monitor, () => setTheme('system')),
    item('Keyboard shortcuts', Keyboard, showKeys),
    item('Open the API documentation', BookOpen, () => location.assign('/docs')),
    item('Sign out', LogOut, signOut),
  ]
}
