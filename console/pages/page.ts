/** What a page of the console is. The list of them is `pages.ts`. */
import type { FunctionComponent } from 'preact'

export interface Page {
  /** Behind the `#` of the address. */
  readonly name: string
  readonly title: string
  /** Scope of the key; without it the page says so. Absent: it looks at its parts itself. */
  readonly scope?: string
  /** What somebody without it cannot do. */
  readonly what?: string
  readonly Body: FunctionComponent<{ readonly rest: readonly string[] }>
}
