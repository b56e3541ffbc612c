/** An invitation or reset link, shown once. */
import type { UserLink } from '../../contract/users.ts'
import { formatMinute } from '../platform/format.ts'
import { CopyField } from '../ui/copy-lines.tsx'
import { RelativeTime } from '../ui/relative-time.tsx'

export function LinkStep({ issued: { user, link, expires_at: endsAt } }: { issued: UserLink }) {
  return (
    <div className="grid gap-3">
      <p>
        Hand this link to <strong className="font-semibold">{user.name}</strong> yourself, through a private channel.
        RustyMail does not send it.
      </p>
      <CopyField label={`Link for ${user.email}`} text={link} hint="It is shown only once." />
      <p className="text-sm text-soft">
        The person who opens it chooses the password. It works once, until {formatMinute(Date.parse(endsAt))} (
        <RelativeTime at={endsAt} />
        ). If it is lost, create a new one.
      </p>
    </div>
  )
}
