/** Standard output of a command, whose reader may go away. */
import type { Writable } from 'node:stream'

/** Who read standard output reads no more: there is nobody to tell, and nothing to complain of. */
export class OutputClosed extends Error {
  override readonly name = 'OutputClosed'
}

export class Output {
  readonly #stream: Writable
  readonly #json: boolean

  constructor(stream: Writable, json: boolean) {
    this.#stream = stream
    this.#json = json
  }

  /** With `--json`. */
  get isJson(): boolean {
    return this.#json
  }

  /** Resolves when it is written. @throws OutputClosed */
  async line(text: string): Promise<void> {
    const error = await new Promise<Error | null | undefined>((resolve) => this.#stream.write(`${text}\n`, resolve))
    if (error instanceof Error) throw new OutputClosed('standard output is closed', { cause: error })
  }

  /** One answer, which is all that the command prints. */
  async answer(json: unknown, text: string): Promise<void> {
    await this.line(this.#json ? JSON.stringify(json, undefined, 2) : text)
  }

  /** One of many, as they come. */
  async item(json: unknown, text: string): Promise<void> {
    await this.line(this.#json ? JSON.stringify(json) : text)
  }
}
