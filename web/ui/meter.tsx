/** How much of a limit is taken: a short bar with its figures beside it. */
import { classNames } from './class-names.ts'

/** The browser's own bar, in our colours: it says its value to all, and shows in forced colours. */
const bar = classNames(
  'h-2 w-14 shrink-0 appearance-none overflow-hidden rounded-full border border-line-strong bg-sunken',
  '[&::-webkit-meter-inner-element]:block [&::-webkit-meter-inner-element]:h-full [&::-webkit-meter-bar]:h-full [&::-webkit-meter-bar]:rounded-none',
  '[&::-webkit-meter-bar]:border-0 [&::-webkit-meter-bar]:bg-transparent [&::-webkit-meter-bar]:bg-none',
  '[&::-webkit-meter-optimum-value]:h-full [&::-webkit-meter-optimum-value]:bg-accent-fill [&::-webkit-meter-optimum-value]:bg-none',
  '[&::-webkit-meter-suboptimum-value]:h-full [&::-webkit-meter-suboptimum-value]:bg-warn [&::-webkit-meter-suboptimum-value]:bg-none',
  '[&::-moz-meter-bar]:bg-accent-fill',
)

/** @param words What the figures are of. */
export function Meter({ value, max, words }: { value: number; max: number; words: string }) {
  return (
    <span className="inline-flex items-center gap-2 whitespace-nowrap">
      <meter aria-label={words} value={value} max={max} high={max - 0.5} optimum={0} className={bar}>
        {value} of {max}
      </meter>
      <span aria-hidden="true" className="text-xs">
        {value}
        <span className="text-muted"> / {max}</span>
      </span>
    </span>
  )
}
