/** What a line holds, checked member by member. */

/** A line that cannot be used; the message names it and never quotes a secret or payload. */
export class TransferError extends Error {
  override readonly name = 'TransferError'
}

export const isText = (value: unknown): value is string => typeof value === 'string'
export const isWhole = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0

/** The members of an object, each checked when it is taken; there may be no others. */
export class Fields {
  readonly #values: Readonly<Record<string, unknown>>
  readonly #path: string
  readonly #taken = new Set<string>()
  readonly #inner: Fields[] = []

  constructor(value: unknown, path: string) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new TransferError(path === '' ? 'it is not an object' : `\`${path}\` is not an object`)
    }
    this.#values = { ...value }
    this.#path = path === '' ? '' : `${path}.`
  }

  /** All that was wanted has been taken. */
  end(): void {
    const unknown = Object.keys(this.#values).find((name) => !this.#taken.has(name))
    if (unknown !== undefined) throw new TransferError(`${JSON.stringify(this.#path + unknown)} is not known`)
    for (const inner of this.#inner) inner.end()
  }

  #take(name: string): unknown {
    this.#taken.add(name)
    return this.#values[name]
  }

  text(name: string, valid: (text: string) => boolean = () => true): string {
    const value = this.#take(name)
    if (typeof value !== 'string' || !valid(value)) throw this.#wrong(name)
    return value
  }

  boolean(name: string): boolean {
    const value = this.#take(name)
    if (typeof value !== 'boolean') throw this.#wrong(name)
    return value
  }

  has(name: string): boolean {
    return this.#values[name] !== undefined
  }

  list<T>(name: string, valid: (value: unknown) => value is T): T[] {
    const value = this.#take(name)
    if (!Array.isArray(value)) throw this.#wrong(name)
    const members: readonly unknown[] = value
    if (!members.every(valid)) throw this.#wrong(name)
    return [...members]
  }

  whole(name: string): number {
    const value = this.#take(name)
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw this.#wrong(name)
    return value
  }

  oneOf<const T extends number>(name: string, allowed: readonly T[]): T {
    const value = this.#take(name)
    const found = allowed.find((each) => each === value)
    if (found === undefined) throw this.#wrong(name)
    return found
  }

  /** `null` stands for `Infinity`, which JSON does not have. */
  timeOrNever(name: string): number {
    if (this.#values[name] !== null) return this.whole(name)
    this.#taken.add(name)
    return Infinity
  }

  bytes(name: string): Buffer {
    const text = this.text(name)
    const bytes = Buffer.from(text, 'base64')
    // Node skips what is not base64.
    if (bytes.toString('base64') !== text) throw this.#wrong(name)
    return bytes
  }

  bytesIfAny(name: string): Buffer | undefined {
    return this.#take(name) === undefined ? undefined : this.bytes(name)
  }

  inner(name: string): Fields {
    const inner = new Fields(this.#take(name), `${this.#path}${name}`)
    this.#inner.push(inner)
    return inner
  }

  #wrong(name: string): TransferError {
    return new TransferError(`\`${this.#path}${name}\` is missing or not what it must be`)
  }
}
