/** The key that a button can be pressed with, beside its words. */
export function Key({ children }: { children: string }) {
  return (
    <span
      aria-hidden="true"
      className="rounded-sm border border-current px-1 font-mono text-xs opacity-80 max-sm:hidden lg:max-xl:hidden"
    >
      {children}
    </span>
  )
}
