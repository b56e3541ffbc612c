/** A section of the profile: explanation on the left, state on the right. */
import { type ReactNode, useId } from 'react'

export function ProfileSection({
  title,
  description,
  children,
}: {
  title: string
  description: ReactNode
  children: ReactNode
}) {
  const id = useId()
  return (
    <section aria-labelledby={id} className="grid gap-4 border-b p-4 last:border-b-0 lg:grid-cols-3">
      <div className="grid content-start gap-1">
        <h2 id={id} className="text-base font-semibold">
          {title}
        </h2>
        <div className="text-sm text-soft">{description}</div>
      </div>
      <div className="grid min-w-0 content-start justify-items-start gap-3 lg:col-span-2">{children}</div>
    </section>
  )
}
