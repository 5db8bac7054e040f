/** Fields of forms: each with its label, and a hint that screen readers hear with it. */
import type { ComponentChildren } from 'preact'
import { useId } from 'preact/hooks'

interface FieldProps {
  readonly label: string
  readonly value: string
  readonly set: (value: string) => void
  readonly hint?: string
  readonly isRequired?: boolean
  readonly placeholder?: string
  readonly type?: 'text' | 'number' | 'password'
  readonly rows?: number
}

const TYPES = { text: { type: 'text' }, number: { type: 'number' }, password: { type: 'password' } } as const

export function Field({ label, value, set, hint, isRequired = false, placeholder, type = 'text', rows }: FieldProps) {
  const id = useId()
  const shared = {
    id,
    value,
    required: isRequired,
    ...(placeholder === undefined ? {} : { placeholder }),
    ...(hint === undefined ? {} : { 'aria-describedby': `${id}-hint` }),
    autocomplete: 'off' as const,
    spellcheck: false,
  }
  return (
    <div class="field">
      <label for={id}>
        {label}
        {!isRequired && <span class="optional"> optional</span>}
      </label>
      {rows === undefined ? (
        <input {...shared} {...TYPES[type]} dir="auto" onInput={({ currentTarget }) => set(currentTarget.value)} />
      ) : (
        <textarea {...shared} rows={rows} dir="auto" onInput={({ currentTarget }) => set(currentTarget.value)} />
      )}
      {hint !== undefined && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  )
}

interface ChoiceProps<T extends string> {
  readonly label: string
  readonly value: T
  readonly options: readonly (readonly [value: T, label: string])[]
  readonly set: (value: T) => void
}

/** One of a few, all of them in sight. */
export function Choice<T extends string>({ label, value, options, set }: ChoiceProps<T>) {
  const id = useId()
  return (
    <fieldset class="choice">
      <legend>{label}</legend>
      <div class="segments">
        {options.map(([each, text]) => (
          <label key={each} class={each === value ? 'segment chosen' : 'segment'}>
            <input type="radio" name={id} value={each} checked={each === value} onChange={() => set(each)} />
            {text}
          </label>
        ))}
      </div>
    </fieldset>
  )
}

interface CheckProps {
  readonly label: string
  readonly isOn: boolean
  readonly set: (isOn: boolean) => void
  readonly isDisabled?: boolean
}

export function Check({ label, isOn, set, isDisabled = false }: CheckProps) {
  return (
    <label class="check">
      <input
        type="checkbox"
        checked={isOn}
        disabled={isDisabled}
        onChange={({ currentTarget }) => set(currentTarget.checked)}
      />
      {label}
    </label>
  )
}

interface FormProps {
  readonly label: string
  readonly submit: () => void
  readonly children: ComponentChildren
}

export function Form({ label, submit, children }: FormProps) {
  return (
    <form
      aria-label={label}
      class="form"
      onSubmit={(event) => {
        event.preventDefault()
        submit()
      }}
    >
      {children}
    </form>
  )
}

/** What somebody wrote with commas. */
export function listed(text: string): readonly string[] {
  return text
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '')
}
