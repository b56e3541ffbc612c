/** The verdict at the top of the overview; each cause links to where to act. */
import { Link } from 'wouter'
import { useSession } from '../platform/session.ts'
import { mayOpen } from '../shell/navigation.ts'
import { ToneIcon } from '../ui/badge.tsx'
import { classNames } from '../ui/class-names.ts'
import { toneText, toneTint } from '../ui/tone.ts'
import type { Verdict } from './verdict.ts'

/** Maximum causes shown; the rest are counted. */
const mostShown = 6

export function VerdictLine({ verdict: { tone, title, details } }: { verdict: Verdict }) {
  const { scopes } = useSession().principal
  const left = details.length - mostShown
  return (
    <section
      aria-label="Verdict"
      className={classNames('flex items-start gap-3 rounded-lg border px-4 py-3', toneTint[tone])}
    >
      <span className="mt-0.5">
        <ToneIcon tone={tone} size="md" />
      </span>
      <div role="status" className="flex min-w-0 flex-wrap items-baseline gap-x-3 gap-y-0.5">
        <p className={classNames('text-lg font-semibold', toneText[tone])}>{title}</p>
        {details.length > 0 && (
          <ul className="flex flex-wrap gap-x-3 gap-y-0.5 text-sm text-ink">
            {details.slice(0, mostShown).map(({ key, words, href }) => (
              <li key={key}>
                {href && mayOpen(href, scopes) ? (
                  <Link
                    href={href}
                    className="rounded-sm underline decoration-line-strong underline-offset-2 hover:decoration-current"
                  >
                    {words}
                  </Link>
                ) : (
                  words
                )}
              </li>
            ))}
            {left > 0 && <li className="text-soft">And {left} more.</li>}
          </ul>
        )}
      </div>
    </section>
  )
}
