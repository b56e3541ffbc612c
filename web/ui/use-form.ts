/** What a form holds, and what is wrong with it: what the page sees before it asks, and what the server then answers. */
import { type ChangeEvent, type FormEvent, useEffect, useRef, useState } from 'react'
import { ApiProblem } from '../platform/api-client.ts'

export type Faults<Name extends string> = Partial<Record<Name, string>>

interface FormOptions<Name extends string> {
  initial: Record<Name, string>
  /** What is wrong before the server is asked. */
  check(values: Record<Name, string>): Faults<Name>
  onSubmit(values: Record<Name, string>): void
  /** Of the request that was made last. */
  error: Error | null
  /** Which field a problem of the server concerns, by its code. */
  fieldOf?: Record<string, Name>
  /** What is typed again after a failure that concerns no field. */
  again?: Name
  /** Whether the first field has the focus from the beginning. */
  isFocused?: boolean
}

export function useForm<Name extends string>(options: FormOptions<Name>) {
  const { initial, check, onSubmit, error, fieldOf = {}, again, isFocused = true } = options
  const [values, setValues] = useState(initial)
  const [checked, setChecked] = useState<Faults<Name>>({})
  const [edited, setEdited] = useState<ReadonlySet<string>>(new Set())
  const [attempt, setAttempt] = useState(0)
  const element = useRef<HTMLFormElement>(null)
  const said = faultsOfAnswer(error, Object.keys(initial), fieldOf)
  useFocus(element, { moment: `${attempt} ${error ? 'failed' : ''}`, isFocused, again: error ? again : undefined })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    const found = check(values)
    setChecked(found)
    setEdited(new Set())
    setAttempt(before => before + 1)
    if (Object.keys(found).length === 0) onSubmit(values)
  }
  return {
    values,
    /** For the form itself. */
    form: { ref: element, noValidate: true, onSubmit: submit },
    /** For the control of a field. */
    bind: (name: Name) => ({
      name,
      value: values[name],
      onChange: (event: ChangeEvent<HTMLInputElement | HTMLSelectElement>) => {
        const { value } = event.target
        setValues(before => ({ ...before, [name]: value }))
        setEdited(before => new Set(before).add(name))
      },
    }),
    faultOf: (name: Name): string | undefined => (edited.has(name) ? undefined : (checked[name] ?? said[name])),
    /** What no field says already. */
    note: error && Object.keys(said).length === 0 ? error : undefined,
    reset: () => setValues(initial),
  }
}

/** What the server says of the fields of the body. */
export function faultsOfAnswer(
  error: Error | null,
  names: readonly string[],
  fieldOf: Record<string, string> = {},
): Record<string, string> {
  if (!(error instanceof ApiProblem)) return {}
  const field = Object.hasOwn(fieldOf, error.code) ? fieldOf[error.code] : undefined
  if (field !== undefined) return { [field]: error.body.detail }
  const faults = names.map(name => [name, error.faultOf(`body.${name}`)] as const)
  return Object.fromEntries(faults.flatMap(([name, fault]) => (fault ? [[name, sentence(fault)]] : [])))
}

/** The first field at fault has the focus; after a failure of no field, the one to type again. */
function useFocus(
  element: { readonly current: HTMLFormElement | null },
  { moment, isFocused, again }: { moment: string; isFocused: boolean; again: string | undefined },
): void {
  const isFirst = useRef(true)
  // biome-ignore lint/correctness/useExhaustiveDependencies: the moment is what it waits for
  useEffect(() => {
    const find = (selector: string) => element.current?.querySelector<HTMLElement>(selector)
    const faulty = find('[aria-invalid="true"]')
    const first = isFirst.current && isFocused ? find('input:not([readonly])') : undefined
    const target = faulty ?? (again ? find(`[name="${again}"]`) : first)
    isFirst.current = false
    if (!target) return
    target.focus()
    if (!first && target instanceof HTMLInputElement) target.select()
  }, [moment])
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
