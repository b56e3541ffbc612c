/** The keyboard shortcut of a button, shown beside its label. */
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
