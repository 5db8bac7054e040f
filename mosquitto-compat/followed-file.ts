/** A file that is reloaded when it changes. If it cannot be read or parsed, nothing changes. */
import { readFileSync, unwatchFile, watchFile } from 'node:fs'

/** Between two looks at whether the file has changed, ms. */
const LOOK_EVERY_MS = 1000

interface FollowedFileOptions<T> {
  readonly path: string
  /** @throws Error with `line`, where a line is wrong */
  parse(text: string): T
  changed(content: T): void
  /** The file cannot be used; the previous content stays. */
  broken(error: FileError): void
}

/** `FILE:LINE` where a line is wrong, otherwise `FILE`, and why. */
export class FileError extends Error {
  override readonly name = 'FileError'
  readonly path: string
  readonly line: number | undefined

  constructor(path: string, cause: unknown) {
    const line = cause instanceof Error && 'line' in cause ? Number(cause.line) : undefined
    const message = cause instanceof Error ? cause.message : String(cause)
    const where = line === undefined ? path : `${path}:${line}`
    super(`${where}: ${message.replace(`line ${line} `, 'this line ')}`, { cause })
    this.path = path
    this.line = line
  }
}

/** @throws FileError */
export function readParsed<T>(path: string, parse: (text: string) => T): T {
  try {
    return parse(readFileSync(path, 'utf8'))
  } catch (error) {
    throw new FileError(path, error)
  }
}

export class FollowedFile<T> {
  readonly #options: FollowedFileOptions<T>
  readonly #look = () => this.reload()

  constructor(options: FollowedFileOptions<T>) {
    this.#options = options
    watchFile(options.path, { interval: LOOK_EVERY_MS, persistent: false }, this.#look)
  }

  /** As it is now. */
  reload(): void {
    const { path, parse, changed, broken } = this.#options
    try {
      changed(readParsed(path, parse))
    } catch (error) {
      broken(error instanceof FileError ? error : new FileError(path, error))
    }
  }

  close(): void {
    unwatchFile(this.#options.path, this.#look)
  }
}
