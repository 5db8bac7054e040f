/** Small parts that all pages are made of. */
import type { ComponentChildren } from 'preact'
import { useEffect, useId, useRef, useState } from 'preact/hooks'
import { ApiError } from '../api/client.ts'
import { Plain } from './plain.tsx'

interface Titled {
  readonly title: string
  readonly children: ComponentChildren
}

export function Card({ title, aside, children }: Titled & { readonly aside?: ComponentChildren }) {
  return (
    <section class="card" aria-label={title}>
      <header class="card-head">
        <h2>{title}</h2>
        {aside}
      </header>
      {children}
    </section>
  )
}

/** What a page has when there is nothing to show, and what would change that. */
export function Empty({ title, children }: Titled) {
  return (
    <div class="empty">
      <p class="empty-title">{title}</p>
      <p>{children}</p>
    </div>
  )
}

export function Failure({ error, retry }: { readonly error: Error | undefined; readonly retry?: () => void }) {
  if (error === undefined) return null
  const { code, detail, requestId } = error instanceof ApiError ? error : { code: 'ERROR' }
  return (
    <div class="notice bad" role="alert">
      <p>
        <strong>{error.message}</strong>
        {detail !== undefined && (
          <>
            {' '}
            <Plain wraps>{detail}</Plain>
          </>
        )}
      </p>
      <p class="notice-more">
        <code>{code}</code>
        {requestId !== undefined && (
          <>
            {' · '}request <code>{requestId}</code>
          </>
        )}
        {retry !== undefined && (
          <button type="button" class="link" onClick={retry}>
            Try again
          </button>
        )}
      </p>
    </div>
  )
}

export function Refresh({ again, isBusy = false }: { readonly again: () => void; readonly isBusy?: boolean }) {
  return (
    <button type="button" disabled={isBusy} onClick={again}>
      Refresh
    </button>
  )
}

export function Notice({ kind, children }: { kind: 'good' | 'warn' | 'info'; children: ComponentChildren }) {
  return (
    <div class={`notice ${kind}`} role="status">
      {children}
    </div>
  )
}

const GOOD: ReadonlySet<string> = new Set([
  'current',
  'connected',
  'acknowledged',
  'ready',
  'accepted',
  'enabled',
  'token.issued',
])
const BAD: ReadonlySet<string> = new Set(['revoked', 'dropped', 'rejected', 'not ready', 'disabled', 'token.revoked'])
const WARN: ReadonlySet<string> = new Set(['expired', 'superseded', 'purged', 'recalled', 'replaced', 'token.switched'])

/** A state, with a color that only repeats what the word says. */
export function State({ of: state }: { readonly of: string }) {
  const word = state.replace(/^message\./, '')
  const kind = GOOD.has(word) ? 'good' : BAD.has(word) ? 'bad' : WARN.has(word) ? 'warn' : 'calm'
  return (
    <span class={`state ${kind}`}>
      <Plain>{state}</Plain>
    </span>
  )
}

const UNITS = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
] as const
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto', style: 'short' })
const absolute = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'medium' })

/** How long ago, or how long still; the date and time are in its title. */
export function Time({ at }: { readonly at: string | null }) {
  const time = at === null ? Number.NaN : Date.parse(at)
  if (at === null || Number.isNaN(time)) return <span class="muted">never</span>
  const seconds = Math.round((time - Date.now()) / 1000)
  const [unit, size] = UNITS.find(([, each]) => Math.abs(seconds) >= each) ?? UNITS[3]
  return (
    <time dateTime={at} title={absolute.format(time)}>
      {relative.format(Math.trunc(seconds / size), unit)}
    </time>
  )
}

/** Of an event: the clock of today. */
export function Clock({ at }: { readonly at: string }) {
  return (
    <time dateTime={at} title={absolute.format(Date.parse(at))}>
      {new Date(at).toLocaleTimeString('en-GB')}
    </time>
  )
}

export function Copy({ text, what }: { readonly text: string; readonly what: string }) {
  const [isDone, setIsDone] = useState(false)
  useEffect(() => {
    if (!isDone) return
    const timer = setTimeout(() => setIsDone(false), 2_000)
    return () => clearTimeout(timer)
  }, [isDone])
  const copy = () => {
    navigator.clipboard.writeText(text).then(
      () => setIsDone(true),
      () => undefined,
    )
  }
  return (
    <button type="button" class="small" onClick={copy}>
      <span aria-live="polite">{isDone ? 'Copied' : 'Copy'}</span>
      <span class="sr-only"> {what}</span>
    </button>
  )
}

/** Something to be taken away, shown once: a token, a code, a key. */
export function Secret({ label, text }: { readonly label: string; readonly text: string }) {
  const id = useId()
  return (
    <div class="secret">
      <label for={id}>{label}</label>
      <input id={id} class="mono" readOnly value={text} onFocus={({ currentTarget }) => currentTarget.select()} />
      <Copy text={text} what={label} />
    </div>
  )
}

interface ConfirmProps {
  readonly label: string
  readonly title: string
  readonly isBusy?: boolean
  /** In a row of a table. */
  readonly isSmall?: boolean
  /** Nothing is lost by it. */
  readonly isCalm?: boolean
  readonly children: ComponentChildren
  readonly confirm: () => void
}

/** For what cannot be taken back: a dialog of the browser's own, which keeps the focus. */
export function Confirm({
  label,
  title,
  isBusy = false,
  isSmall = false,
  isCalm = false,
  children,
  confirm,
}: ConfirmProps) {
  const dialog = useRef<HTMLDialogElement>(null)
  const kind = isCalm ? 'calm' : 'danger'
  return (
    <>
      <button
        type="button"
        class={isSmall ? `${kind} small quiet` : kind}
        disabled={isBusy}
        onClick={() => dialog.current?.showModal()}
      >
        {label}
      </button>
      <dialog ref={dialog} aria-label={title}>
        <h2>{title}</h2>
        <div class="dialog-text">{children}</div>
        <div class="row end">
          <button type="button" onClick={() => dialog.current?.close()}>
            Cancel
          </button>
          <button
            type="button"
            class={`${kind} solid`}
            onClick={() => {
              dialog.current?.close()
              confirm()
            }}
          >
            {label}
          </button>
        </div>
      </dialog>
    </>
  )
}

/** Where the key lacks what a page needs. */
export function Lacking({ scope, what }: { readonly scope: string; readonly what: string }) {
  return (
    <Empty title={`Your key cannot ${what}`}>
      It needs the scope <code>{scope}</code>. Sign in with a key that has it.
    </Empty>
  )
}
