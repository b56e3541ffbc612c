/** Asks the last question again, in the usual order or with a chosen provider first. */
import { ChevronDown, RotateCw } from 'lucide-react'
import { useId } from 'react'
import { Button } from '../ui/button.tsx'
import { usePopover } from '../ui/use-popover.ts'

export interface ProviderChoice {
  id: string
  /** Name of the provider. */
  provider: string
  model: string | null
}

export function RetryMenu({
  providers,
  onRetry,
}: {
  providers: readonly ProviderChoice[]
  /** @param id The provider that is asked first. */
  onRetry(id: string | undefined): void
}) {
  const { isOpen, box, opener, toggle, close, onKeyDown } = usePopover()
  const id = useId()
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: Escape closes from anywhere inside
    <div ref={box} className="relative flex" onKeyDown={onKeyDown}>
      <Button size="sm" variant="quiet" icon={RotateCw} onClick={() => onRetry(undefined)}>
        Retry
      </Button>
      {providers.length > 1 && (
        <Button
          ref={opener}
          size="sm"
          variant="quiet"
          icon={ChevronDown}
          aria-expanded={isOpen}
          aria-controls={isOpen ? id : undefined}
          onClick={toggle}
        >
          with …<span className="sr-only"> another provider</span>
        </Button>
      )}
      {isOpen && (
        <ul
          id={id}
          className="absolute bottom-full left-0 z-20 mb-1 max-h-64 w-64 max-w-[70vw] overflow-y-auto rounded-md border bg-raised p-1 shadow-float"
        >
          {providers.map(({ id, provider, model }) => (
            <li key={id}>
              <button
                type="button"
                className="grid min-h-9 w-full content-center rounded-sm px-2 py-1 text-left text-sm text-ink hover:bg-sunken"
                onClick={() => {
                  close()
                  onRetry(id)
                }}
              >
                <span className="truncate">{provider}</span>
                {model && <span className="truncate text-xs text-muted">{model}</span>}
              </button>
            </li>
          ))}
        </ul>
      )}
    </div>
  )
}
