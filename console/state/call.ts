/** A call that a page makes, and how it stands. */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks'

export interface Calling<T> {
  readonly value: T | undefined
  readonly error: Error | undefined
  readonly isBusy: boolean
}

const IDLE = { value: undefined, error: undefined, isBusy: false }

/** For what somebody asks for with a button. A later one goes over an earlier one. */
export function useAction<A extends readonly unknown[], T>(
  work: (...given: A) => Promise<T>,
): readonly [Calling<T>, (...given: A) => void, () => void] {
  const [state, setState] = useState<Calling<T>>(IDLE)
  const latest = useRef(0)
  const run = (...given: A) => {
    const mine = ++latest.current
    const settle = (settled: Calling<T>) => {
      if (mine === latest.current) setState(settled)
    }
    setState((last) => ({ ...last, error: undefined, isBusy: true }))
    work(...given).then(
      (value) => settle({ value, error: undefined, isBusy: false }),
      (error: unknown) => settle({ value: undefined, error: asError(error), isBusy: false }),
    )
  }
  const forget = () => {
    latest.current++
    setState(IDLE)
  }
  return [state, run, forget]
}

/** For what a page shows: asked for when it opens, when `key` changes, and by the function that is given. */
export function useLoad<T>(key: string, load: (signal: AbortSignal) => Promise<T>): readonly [Calling<T>, () => void] {
  const [state, setState] = useState<Calling<T> & { readonly key: string }>({ ...IDLE, isBusy: true, key })
  const [turn, setTurn] = useState(0)
  const current = useRef(load)
  current.current = load
  useEffect(() => {
    const gone = new AbortController()
    setState((last) => ({ value: last.key === key ? last.value : undefined, error: undefined, isBusy: true, key }))
    current.current(gone.signal).then(
      (value) => {
        if (!gone.signal.aborted) setState({ value, error: undefined, isBusy: false, key })
      },
      (error: unknown) => {
        if (!gone.signal.aborted) setState({ value: undefined, error: asError(error), isBusy: false, key })
      },
    )
    return () => gone.abort()
  }, [key, turn])
  const again = useCallback(() => setTurn((last) => last + 1), [])
  return [state.key === key ? state : { ...IDLE, isBusy: true }, again]
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}
