/** The logo and the name. */

/** @param isCompact Omits the name on tablets. */
export function Brand({ isCompact = false }: { isCompact?: boolean }) {
  return (
    <span className="inline-flex items-center gap-2.5 font-semibold tracking-tight">
      <img src="/favicon.svg" alt="" className="size-6" />
      <span className={isCompact ? 'max-lg:sr-only' : undefined}>RustyMail</span>
    </span>
  )
}
