/** What the server says on an HTTP connection, read by the letter of RFC 9112, and judged by what this API promises. */
import { Buffer } from 'node:buffer'
import { ERRORS } from '../../../../errors.ts'

export interface HttpAnswer {
  readonly status: number
  /** Lower-case names; several of one name are joined by a comma. */
  readonly fields: ReadonlyMap<string, string>
  readonly body: Buffer
}

const STATUS_LINE = /^HTTP\/1\.1 ([1-5]\d\d) [\x20-\x7e\t]*$/
const FIELD_LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?)?[ \t]*$/
const END_OF_HEAD = '\r\n\r\n'

/** Takes the bytes of one connection apart into answers; throws at what is no HTTP. */
export class HttpReplies {
  readonly answers: HttpAnswer[] = []
  /** After 101 the connection speaks another protocol. */
  upgraded = false
  #rest: Buffer = Buffer.alloc(0)
  readonly #toHead: boolean

  /** Answers to HEAD have no body, whatever length they tell. */
  constructor({ toHead = false } = {}) {
    this.#toHead = toHead
  }

  push(chunk: Buffer): void {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    while (!this.upgraded && this.#readOne());
  }

  /** What came after the last whole answer. */
  get rest(): Buffer {
    return this.#rest
  }

  /** What came behind a 101; taken out. */
  takeRest(): Buffer {
    const rest = this.#rest
    this.#rest = Buffer.alloc(0)
    return rest
  }

  #readOne(): boolean {
    const endOfHead = this.#rest.indexOf(END_OF_HEAD)
    if (endOfHead < 0) {
      if (this.#rest.length > 0 && !'HTTP/1.1 '.startsWith(this.#rest.toString('latin1', 0, 9)))
        throw new Error(`no HTTP: ${JSON.stringify(this.#rest.toString('latin1', 0, 80))}`)
      return false
    }
    const { status, fields } = parseHead(this.#rest.toString('latin1', 0, endOfHead))
    const start = endOfHead + END_OF_HEAD.length
    const end = this.#endOfBody(status, fields, start)
    if (end > this.#rest.length) return false
    const body = this.#rest.subarray(start, end)
    this.#rest = this.#rest.subarray(end)
    if (status === 101) this.upgraded = true
    if (status >= 101) this.answers.push({ status, fields, body })
    return true
  }

  #endOfBody(status: number, fields: ReadonlyMap<string, string>, start: number): number {
    if (status < 200 || status === 204 || status === 304) return start
    const length = fields.get('content-length')
    if (length === undefined || !/^\d+$/.test(length))
      throw new Error(`a ${status} whose length is not told: ${length}`)
    return start + (this.#toHead ? 0 : Number(length))
  }
}

function parseHead(head: string): Pick<HttpAnswer, 'status' | 'fields'> {
  const [first = '', ...lines] = head.split('\r\n')
  const status = Number(STATUS_LINE.exec(first)?.[1])
  if (Number.isNaN(status)) throw new Error(`no status line: ${JSON.stringify(first.slice(0, 80))}`)
  const fields = new Map<string, string>()
  for (const line of lines) {
    const [whole, name = '', value = ''] = FIELD_LINE.exec(line) ?? []
    if (whole === undefined) throw new Error(`no header field: ${JSON.stringify(line.slice(0, 80))}`)
    const before = fields.get(name.toLowerCase())
    fields.set(name.toLowerCase(), before === undefined ? value : `${before}, ${value}`)
  }
  return { status, fields }
}

/** What is wrong with an answer; undefined for nothing. */
export function faultOfAnswer({ status, fields, body }: HttpAnswer): string | undefined {
  const text = body.toString()
  if (status >= 500) return `${status} ${text}`
  if (status >= 300 && status < 400) return `${status}, which no call answers`
  if (status < 300) return undefined
  if (body.length === 0 && fields.get('content-length') !== '0') return undefined
  if (!fields.get('content-type')?.startsWith('application/problem+json')) return `${status} without a problem: ${text}`
  const problem: unknown = JSON.parse(text)
  if (!isProblem(problem)) return `${status} without a code of the catalogue: ${text}`
  const row = ERRORS[problem.code]
  if (row.status !== status || problem.status !== status) return `${problem.code} as ${status}`
  if (problem.title !== row.title || problem.type !== `urn:aedes-push:error:${problem.code}`) return `another ${text}`
  if (status === 401 && !fields.has('www-authenticate')) return '401 without WWW-Authenticate'
  if (status === 405 && !fields.has('allow')) return '405 without Allow'
  if (status === 429 && !fields.has('retry-after')) return '429 without Retry-After'
  return undefined
}

interface AnyProblem {
  readonly type: unknown
  readonly title: unknown
  readonly status: unknown
  readonly code: keyof typeof ERRORS
}

function isProblem(value: unknown): value is AnyProblem {
  if (typeof value !== 'object' || value === null || !('code' in value)) return false
  return typeof value.code === 'string' && Object.hasOwn(ERRORS, value.code) && 'requestId' in value
}
