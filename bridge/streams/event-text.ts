/** Events as text: Server-Sent Events, section 9.2 of the HTML standard. */
import type { PushError } from '../../errors.ts'
import { ERRORS } from '../../errors.ts'

/** JSON has no line ends, so that it is always one line of data. `id` has none either. */
export function eventText(data: object, { id, type }: { readonly id?: string; readonly type?: string } = {}): string {
  const head = `${type === undefined ? '' : `event: ${type}\n`}${id === undefined ? '' : `id: ${id}\n`}`
  return `${head}data: ${JSON.stringify(data)}\n\n`
}

/** A client remembers it, and its program sees nothing. */
export function idText(id: string): string {
  return `id: ${id}\n\n`
}

/** Nothing: it shows both sides, and what is between them, that the other one is there. */
export const COMMENT = ':\n\n'

/** After which time a client comes back, ms. */
export function retryText(ms: number): string {
  return `retry: ${ms}\n\n`
}

/** The last event: why the stream ends. A client whose last id is worth nothing forgets it, and comes back without. */
export function endText({ code, status, detail }: PushError): string {
  const { title } = ERRORS[code]
  const forgets = code === 'CURSOR_INVALID' ? { id: '' } : {}
  return eventText({ code, status, title, ...(detail === undefined ? {} : { detail }) }, { type: 'end', ...forgets })
}
