/** A button, and a link that looks like one. */
import { LoaderCircle, type LucideIcon } from 'lucide-react'
import type { ComponentProps, ReactNode } from 'react'
import { Link } from 'wouter'
import { classNames } from './class-names.ts'

interface Look {
  variant?: 'primary' | 'secondary' | 'quiet' | 'danger' | undefined
  size?: 'sm' | 'md' | undefined
  icon?: LucideIcon | undefined
  children: ReactNode
}

const variants = {
  primary: 'bg-accent-fill text-on-fill enabled:hover:bg-accent-fill-hover border-transparent',
  secondary: 'bg-surface text-ink border-line-strong hover:bg-sunken',
  quiet: 'bg-transparent text-soft border-transparent hover:bg-sunken hover:text-ink',
  danger: 'bg-bad-fill text-on-fill enabled:hover:bg-bad-fill-hover border-transparent',
} as const

const sizes = { sm: 'min-h-8 px-2.5 text-sm gap-1.5', md: 'min-h-9 px-3.5 text-base gap-2' } as const

function lookOf({ variant = 'secondary', size = 'md' }: Pick<Look, 'variant' | 'size'>): string {
  return classNames(
    'inline-flex items-center justify-center rounded-md border font-medium whitespace-nowrap transition-colors',
    'disabled:opacity-60 disabled:cursor-not-allowed aria-disabled:opacity-60 aria-disabled:cursor-not-allowed',
    variants[variant],
    sizes[size],
  )
}

/**
 * A button.
 * @param isBusy Shows a spinner and ignores clicks. The button keeps the focus, which `disabled` would drop.
 */
export function Button({
  variant,
  size,
  icon,
  isBusy = false,
  children,
  className,
  onClick,
  ...rest
}: Look & { isBusy?: boolean } & ComponentProps<'button'>) {
  return (
    <button
      type="button"
      className={classNames(lookOf({ variant, size }), className)}
      aria-disabled={isBusy || undefined}
      aria-busy={isBusy || undefined}
      onClick={isBusy ? event => event.preventDefault() : onClick}
      {...rest}
    >
      <ButtonIcon icon={isBusy ? LoaderCircle : icon} isTurning={isBusy} />
      {children}
    </button>
  )
}

/** An internal link styled as a button. */
export function ButtonLink({ variant, size, icon, children, href }: Look & { href: string }) {
  return (
    <Link href={href} className={lookOf({ variant, size })}>
      <ButtonIcon icon={icon} isTurning={false} />
      {children}
    </Link>
  )
}

/**
 * A link out of the app, styled as a button.
 * @param isFile The link downloads a file, so the page stays.
 */
export function ButtonAnchor({
  variant,
  size,
  icon,
  children,
  href,
  isFile = false,
}: Look & { href: string; isFile?: boolean }) {
  return (
    <a href={href} download={isFile || undefined} className={lookOf({ variant, size })}>
      <ButtonIcon icon={icon} isTurning={false} />
      {children}
    </a>
  )
}

function ButtonIcon({ icon: Icon, isTurning }: { icon: LucideIcon | undefined; isTurning: boolean }) {
  if (!Icon) return null
  return <Icon className={classNames('size-4 shrink-0', isTurning && 'animate-spin')} aria-hidden="true" />
}
