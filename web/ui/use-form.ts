/** The values and errors of a form: its own validation, and the errors that the server returns. */
import { type ChangeEvent, type FormEvent, useEffect, useRef, useState } from 'react'
import { ApiProblem } from '../platform/api-client.ts'

export type Faults<Name extends string> = Partial<Record<Name, string>>

interface FormOptions<Name extends string> {
  initial: Record<Name, string>
  /** Validates the values before they are sent. */
  check(values: Record<Name, string>): Faults<Name>
  onSubmit(values: Record<Name, string>): void
  /** The error of the last request. */
  error: Error | null
  /** The field that a problem concerns, by problem code. */
  fieldOf?: Record<string, Name>
  /** The field to retype after a failure that concerns no field, such as the password. */
  again?: Name
  /** Whether the first field gets the initial focus. */
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
    /** Props of the form element. */
    form: { ref: element, noValidate: true, onSubmit: submit },
    /** Returns the props of a field's control. */
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
    /** The error, if no field shows it. */
    note: error && Object.keys(said).length === 0 ? error : undefined,
    reset: () => setValues(initial),
  }
}

/** Returns the server's validation errors of the body's fields. */
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

/** Focuses the first invalid field; after a failure that concerns no field, the one to retype. */
function useFocus(
  element: { readonly current: HTMLFormElement | null },
  { moment, isFocused, again }: { moment: string; isFocused: boolean; again: string | undefined },
): void {
  const isFirst = useRef(true)
  // biome-ignore lint/correctness/useExhaustiveDependencies: runs once per submit or failure, which `moment` identifies
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
