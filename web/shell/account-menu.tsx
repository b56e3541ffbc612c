/** The menu of the signed-in user: profile, API documentation, and sign out. */
import { BookOpen, CircleUserRound, LogOut, UserRoundPen } from 'lucide-react'
import { useId } from 'react'
import { Link } from 'wouter'
import { roleWords } from '../platform/role-words.ts'
import { useSession, useSignOut } from '../platform/session.ts'
import { Badge } from '../ui/badge.tsx'
import { classNames } from '../ui/class-names.ts'
import { useToast } from '../ui/toast.tsx'
import { usePopover } from '../ui/use-popover.ts'

const itemLook = 'flex min-h-9 w-full items-center gap-2 rounded-sm px-2 text-left text-sm hover:bg-sunken'

export function AccountMenu() {
  const { name, email, role } = useSession().principal
  const { isOpen, box, opener, toggle, leave, onKeyDown } = usePopover()
  const signOut = useSignOut()
  const toast = useToast()
  const id = useId()
  const onFailure = (error: Error) => toast({ tone: 'bad', title: 'You are still signed in', detail: error.message })
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: Escape closes from anywhere inside
    <div ref={box} className="relative" onKeyDown={onKeyDown}>
      <button
        ref={opener}
        type="button"
        aria-expanded={isOpen}
        aria-controls={isOpen ? id : undefined}
        aria-label={`Account of ${name}`}
        onClick={toggle}
        className={classNames(
          'inline-flex min-h-9 min-w-9 items-center justify-center gap-2 rounded-md text-soft transition-colors lg:px-2',
          'hover:bg-sunken hover:text-ink aria-expanded:bg-sunken',
        )}
      >
        <CircleUserRound className="size-4.5 shrink-0" aria-hidden="true" />
        <span className="max-w-40 truncate text-sm font-medium max-lg:hidden">{name}</span>
      </button>
      {isOpen && (
        <div
          id={id}
          className="absolute top-full right-0 z-30 mt-1 w-64 max-w-[calc(100dvw-2rem)] rounded-lg border bg-raised shadow-float"
        >
          <div className="grid justify-items-start gap-1 border-b p-3">
            <p className="max-w-full truncate font-medium">{name}</p>
            {email && email !== name && <p className="max-w-full truncate text-sm text-soft">{email}</p>}
            {role && <Badge tone="info">{roleWords[role].label}</Badge>}
          </div>
          <ul className="p-1">
            <li>
              <Link href="/profile" onClick={leave} className={itemLook}>
                <UserRoundPen className="size-4 shrink-0" aria-hidden="true" />
                Profile
              </Link>
            </li>
            <li>
              <a href="/docs" className={itemLook}>
                <BookOpen className="size-4 shrink-0" aria-hidden="true" />
                API documentation
              </a>
            </li>
            <li>
              <button
                type="button"
                disabled={signOut.isPending}
                onClick={() => signOut.mutate(undefined, { onError: onFailure })}
                className={itemLook}
              >
                <LogOut className="size-4 shrink-0" aria-hidden="true" />
                Sign out
              </button>
            </li>
          </ul>
        </div>
      )}
    </div>
  )
}
