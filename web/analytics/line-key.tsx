/** The legend symbol of a line. */
const looks = [
  ['stroke-accent', ''],
  ['stroke-info', '6 3'],
  ['stroke-good', '2 3'],
  ['stroke-warn', '10 3 2 3'],
  ['stroke-bad', '1 2'],
  ['stroke-soft', '12 4'],
] as const

export function LineKey({ index }: { index: number }) {
  const [stroke, dash] = looks[index % looks.length]!
  return (
    <svg viewBox="0 0 20 4" className="h-1 w-5 shrink-0" aria-hidden="true">
      <path d="M0 2H20" className={stroke} strokeWidth={2} strokeDasharray={dash || undefined} />
    </svg>
  )
}
