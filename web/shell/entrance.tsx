/** The plain page frame used before sign-in. */
import type { ReactNode } from 'react'
import { Brand } from './brand.tsx'
import { PageSkeleton } from './page-skeleton.tsx'

export function Entrance({ title, children }: { title: string; children: ReactNode }) {
  return (
    <main className="grid min-h-dvh place-items-center p-4">
      <title>{`${title} · RustyMail`}</title>
      <div className="grid w-full max-w-lg gap-4">
        <div className="text-lg">
          <Brand />
        </div>
        <section className="grid gap-3 rounded-lg border bg-surface p-6 shadow-card">
          <h1 className="text-xl font-semibold tracking-tight">{title}</h1>
          {children}
        </section>
      </div>
    </main>
  )
}

/** Placeholder while it is unknown who is signed in. */
export function EntranceSkeleton() {
  return (
    <main className="mx-auto max-w-page p-4 lg:p-6">
      <h1 className="sr-only">RustyMail</h1>
      <PageSkeleton />
    </main>
  )
}
