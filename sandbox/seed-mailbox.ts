/**
 * The mailbox that a sandbox starts with: some 330 letters of the last 60 days, the same for the same seed and time.
 */
import { conversations } from './seed-conversations.ts'
import { foreignLetters } from './seed-languages.ts'
import { type FolderName, type Letter, type MailFlag, render, type SeedFolder, type SeedMessage } from './seed-mail.ts'
import { mailingList } from './seed-mailing-list.ts'
import { newsletters } from './seed-newsletters.ts'
import { notices } from './seed-notices.ts'
import { oddities } from './seed-oddities.ts'
import { ownFolders } from './seed-own-folders.ts'
import { Random } from './seed-random.ts'

const folders: readonly Omit<SeedFolder, 'messages'>[] = [
  { path: 'INBOX' },
  { path: 'Archive', role: '\\Archive' },
  { path: 'Drafts', role: '\\Drafts' },
  { path: 'Sent', role: '\\Sent' },
  { path: 'Junk', role: '\\Junk' },
  { path: 'Trash', role: '\\Trash' },
  { path: 'Projects/Apollo' },
  { path: 'Fünf & Söhne' },
]

const oldestDays = 60
/** Days after which two of three letters in INBOX are archived. */
const tidyDays = 35
const unreadInInbox = 36

export async function seedMailbox({ seed, now }: { seed: number; now: Date }): Promise<SeedFolder[]> {
  const random = new Random(seed)
  const letters = [conversations, notices, newsletters, mailingList, foreignLetters, oddities, ownFolders]
    .flatMap(write => write(random, now))
    .filter(({ at }) => at <= now && now.getTime() - at.getTime() <= oldestDays * 86_400_000)
    .sort((a, b) => a.at.getTime() - b.at.getTime())
  const placed = putAway(letters, now)
  const flags = flagsOf(placed, random)
  const byPath = new Map<FolderName, SeedMessage[]>(folders.map(({ path }) => [path, []]))
  for (const letter of placed) {
    byPath.get(letter.folder)?.push({ raw: await render(letter), flags: flags.get(letter) ?? [], at: letter.at })
  }
  return folders.map(folder => ({ ...folder, messages: byPath.get(folder.path) ?? [] }))
}

function putAway(letters: readonly Letter[], now: Date): Letter[] {
  return letters.map((letter, index) => {
    const isOld = now.getTime() - letter.at.getTime() > tidyDays * 86_400_000
    return letter.folder === 'INBOX' && isOld && index % 3 !== 0 ? { ...letter, folder: 'Archive' } : letter
  })
}

/** Assigns flags: unread are mostly new letters; a few of any age are flagged. */
function flagsOf(letters: readonly Letter[], random: Random): Map<Letter, readonly MailFlag[]> {
  const unread = new Set<Letter>()
  const inbox = letters.filter(({ folder, flags }) => folder === 'INBOX' && !flags?.includes('\\Answered'))
  for (const [age, letter] of inbox.toReversed().entries()) {
    if (unread.size < unreadInInbox && random.chance(age < 12 ? 0.8 : age < 60 ? 0.4 : 0.08)) unread.add(letter)
  }
  for (const letter of letters.filter(({ folder }) => folder === 'Projects/Apollo').slice(-3)) unread.add(letter)
  return new Map(
    letters.map(letter => {
      const set = new Set(letter.flags)
      const isKept = ['INBOX', 'Projects/Apollo', 'Archive', 'Fünf & Söhne'].includes(letter.folder)
      if (isKept) set.add('\\Seen')
      if (unread.has(letter)) set.delete('\\Seen')
      if (isKept && random.chance(0.06)) set.add('\\Flagged')
      return [letter, [...set]]
    }),
  )
}
